// Package fanfare_test holds the laws of the house: what may know what, and how
// large a thing may grow. A law's own sentence is the message of its failure.
package fanfare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/fanfare/fanfare"

// source is one Go file of ours, parsed.
type source struct {
	path, room string // room is the folder, "." for the root
	test       bool
	lines      int
	set        *token.FileSet
	file       *ast.File
}

func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

// ours is the rooms a file imports, as folders.
func (s source) ours() []string {
	var out []string
	for _, i := range s.imports() {
		if room, ok := strings.CutPrefix(i, module+"/"); ok {
			out = append(out, room)
		}
	}
	return out
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, p, raw, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{
			path: filepath.ToSlash(p), room: path.Dir(filepath.ToSlash(p)), test: strings.HasSuffix(p, "_test.go"),
			lines: strings.Count(string(raw), "\n"), set: set, file: file,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d Go files found: the laws must be tested from the project's root", len(out))
	}
	return out
}

// mayKnow is who may import whom among our rooms, outside tests. A room that is
// not listed may import none of ours.
var mayKnow = map[string][]string{
	"budget":           {"broadcast", "pace"},
	"fanout":           {"broadcast", "broadcast/audience", "budget", "workerpool"},
	"teams":            {"broadcast", "broadcast/message", "teams/card"},
	"graph":            {"broadcast"},
	"broadcast":        {"broadcast/audience", "broadcast/message"},
	"broadcast/person": {"broadcast"},
	"gather":           {"broadcast", "broadcast/audience", "places"},
	"scope":            {"broadcast", "broadcast/audience"},
	"rollout":          {"broadcast", "broadcast/audience", "pace"},
	"store/rings":      {"broadcast", "broadcast/audience", "rollout", "store/census", "store/db"},
	"api/rings":        {"broadcast", "broadcast/audience", "broadcast/who", "pace", "rollout"},
	"fatigue":          {"broadcast"},
	"welcome":          {"broadcast", "broadcast/audience", "broadcast/message", "places"},
	"api/welcome":      {"broadcast", "broadcast/message", "welcome"},
	"broadcast/who":    {"broadcast", "broadcast/person"},
	"broadcast/lists":  {"broadcast", "broadcast/audience"},
	"sheet":            {"broadcast", "broadcast/lists"},
	"directory":        {"broadcast", "broadcast/lists", "broadcast/person", "graph"},
	"graphinstall":     {"broadcast", "graph", "workerpool", "join", "upkeep"},
	"store":            {"broadcast", "store/budget", "store/census", "store/db", "store/doors", "store/roll", "store/who", "store/places", "store/lists", "store/received", "store/scopes", "store/recipients", "store/rings", "places", "store/shape", "store/upkeep", "upkeep", "store/join", "store/watch"},
	"places":           {"broadcast"},
	"upkeep":           {"broadcast"},
	"join":             {"broadcast"},
	"store/join":       {"broadcast", "join", "store/db"},
	"store/watch":      {"broadcast", "store/db", "store/roll"},
	"store/upkeep":     {"broadcast", "upkeep", "store/db"},
	"teams/roster":     {"broadcast", "places", "teams"},
	"store/budget":     {"broadcast", "pace", "store/db"},
	"store/census":     {"broadcast", "broadcast/audience", "broadcast/person", "scope", "store/db", "store/places"},
	"store/received":   {"store/db"},
	"store/shape":      {"broadcast", "broadcast/message", "store/db"},
	"store/recipients": {"broadcast", "broadcast/audience", "store/census", "store/db", "store/places"},
	"store/scopes":     {"broadcast", "scope", "store/census", "store/db"},
	"store/db":         {"broadcast", "migrations"},
	"store/doors":      {"broadcast", "store/db"},
	"store/roll":       {"broadcast", "broadcast/audience", "store/census", "store/db"},
	"store/lists":      {"broadcast", "broadcast/lists", "store/census", "store/db"},
	"store/who":        {"broadcast", "broadcast/person", "broadcast/who", "store/census", "store/db"},
	"store/places":     {"broadcast", "broadcast/audience", "places", "store/db"},
	"engine":           {"broadcast"},
	"engine/local":     {"broadcast", "engine"},
	"engine/river":     {"broadcast", "engine"},
	"auth":             {"broadcast"},
	"api":              {"api/inbox", "api/rings", "rollout", "broadcast", "broadcast/audience", "auth", "teams", "pace", "setup", "broadcast/who", "places", "broadcast/lists", "sheet", "fatigue", "scope", "welcome", "api/welcome", "api/shape", "broadcast/message", "api/keep", "upkeep", "join"},
	"pace":             {"broadcast"},
	"web":              {"broadcast", "broadcast/audience", "auth", "pace", "web/admin", "web/form", "web/frame", "web/static", "web/sse", "web/words", "setup", "broadcast/who", "web/people", "broadcast/lists", "web/lists", "fatigue", "rollout", "scope", "welcome", "broadcast/message", "join", "upkeep", "web/keep"},
	"web/admin":        {"broadcast", "auth", "web/frame", "web/sse", "web/words", "setup", "broadcast/who", "broadcast/audience", "pace", "rollout", "scope", "web/form", "welcome"},
	"api/keep":         {"broadcast", "join", "upkeep"},
	"api/inbox":        {"broadcast", "places", "teams"},
	"setup":            {"broadcast", "upkeep"},
	"web/frame":        {"broadcast", "auth", "web/sse"},
	"web/form":         {"broadcast", "broadcast/audience", "web/words", "broadcast/message"},
	"web/words":        {"broadcast", "pace", "rollout", "broadcast/message"},
	"server":           {"broadcast", "budget", "fanout", "gather", "teams", "graph", "directory", "graphinstall", "store", "engine", "engine/local", "engine/river", "auth", "api", "web", "setup", "setup/pack", "broadcast/who", "places", "teams/roster", "broadcast/lists", "fatigue", "rollout", "scope", "welcome", "upkeep", "join"},
	"api/shape":        {"broadcast/message"},
	"web/people":       {"broadcast", "broadcast/person", "broadcast/who", "web/frame"},
	"web/keep":         {"broadcast", "join", "pace", "upkeep", "web/frame", "web/sse", "web/words"},
	"web/lists":        {"broadcast", "broadcast/lists", "sheet", "web/form", "web/frame"},
	"cmd/fanfare":      {"server"},
	"cmd/simulator":    {"simulator"},
	"cmd/demo":         {"broadcast", "server", "simulator"},
}

func TestLawRoomsKnowOnlyWhomTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.room == "store/storetest" || s.room == "engine/enginetest" {
			continue
		}
		for _, room := range s.ours() {
			painted := s.room == "simulator" || strings.HasPrefix(s.room, "simulator/")
			if painted && strings.HasPrefix(room, "simulator/") {
				continue
			}
			if !slices.Contains(mayKnow[s.room], room) {
				t.Errorf("%s imports %s: a room knows only the rooms house section 3 gives it, so that each can be changed alone", s.path, room)
			}
		}
	}
}

// mayUse is which rooms may import a planet of foreign code, by prefix.
var mayUse = map[string][]string{
	"gorm.io/":                                         {"store"},
	"github.com/ncruces/go-sqlite3":                    {"store"},
	"github.com/pressly/goose":                         {"store"},
	"github.com/riverqueue/river":                      {"engine/river"},
	"github.com/jackc/pgx":                             {"store", "engine/river"},
	"github.com/microsoftgraph/":                       {"graph", "graphinstall", "directory"},
	"github.com/microsoft/kiota":                       {"graph", "graphinstall", "directory"},
	"github.com/gin-gonic/gin":                         {"web", "api", "auth", "server"},
	"github.com/coreos/go-oidc":                        {"auth"},
	"github.com/alexedwards/scs":                       {"auth"},
	"github.com/golang-jwt/jwt":                        {"teams", "simulator"},
	"github.com/yuin/goldmark":                         {"teams"},
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity": {"server"},
	"github.com/xuri/":                                 {"sheet"},
	"github.com/chromedp/":                             nil,
	"pgregory.net/rapid":                               nil,
	"go.uber.org/goleak":                               nil,
}

func TestLawForeignCodeStaysBehindItsWall(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, imported := range s.imports() {
			for prefix, rooms := range mayUse {
				if !strings.HasPrefix(imported, prefix) {
					continue
				}
				allowed := slices.ContainsFunc(rooms, func(r string) bool { return s.room == r || strings.HasPrefix(s.room, r+"/") })
				if !allowed {
					t.Errorf("%s imports %s: only %v may, so that nobody else compiles or depends on it", s.path, imported, rooms)
				}
			}
		}
	}
}

func TestLawCentreNeedsOnlyTheStandardLibrary(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.room != "broadcast" && s.room != "broadcast/audience" && s.room != "broadcast/message" && s.room != "workerpool" {
			continue
		}
		for _, i := range s.imports() {
			if i != module+"/broadcast/audience" && i != module+"/broadcast/message" && strings.Contains(strings.Split(i, "/")[0], ".") {
				t.Errorf("%s imports %s: the centre needs nothing but the standard library", s.path, i)
			}
		}
	}
}

func TestLawSimulatorAndTestHelpersStayOutOfTheProduct(t *testing.T) {
	for _, s := range sources(t) {
		for _, room := range s.ours() {
			painted := room == "simulator" && s.room != "cmd/demo" && s.room != "cmd/simulator"
			helper := (room == "store/storetest" || room == "engine/enginetest") && !strings.HasSuffix(s.room, "test")
			if !s.test && (painted || helper) {
				t.Errorf("%s imports %s: the app has no fake mode, and test helpers stay in tests", s.path, room)
			}
		}
	}
	out, err := exec.Command("go", "list", "-deps", "./cmd/fanfare").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		switch dep = strings.TrimSpace(dep); dep {
		case module + "/simulator", "github.com/microsoftgraph/msgraph-sdk-go", "testing":
			t.Errorf("cmd/fanfare depends on %s: no simulator, no test code and not the SDK's root package (an hour of compiling) in the product", dep)
		}
	}
}

func TestLawEveryPackageSaysWhatItIsFor(t *testing.T) {
	said, rooms := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		rooms[s.room] = true
		if s.file.Doc != nil && len(s.file.Doc.Text()) > 40 {
			said[s.room] = true
		}
	}
	for room := range rooms {
		if !said[room] {
			t.Errorf("%s: every package has a doc comment that says what the room is for", room)
		}
	}
}

func TestLawSizes(t *testing.T) {
	files, lines := map[string]int{}, map[string]int{}
	var lengths []int
	for _, s := range sources(t) {
		limit := 400
		if s.test {
			limit = 600
		}
		if s.lines > limit {
			t.Errorf("%s has %d lines: a file over %d is redesigned, not excused", s.path, s.lines, limit)
		}
		if s.test {
			continue
		}
		files[s.room]++
		lines[s.room] += s.lines
		lengths = append(lengths, lengthsOf(t, s)...)
	}
	for room := range files {
		if files[room] > 20 || lines[room] > 2500 {
			t.Errorf("%s has %d files and %d lines: a room holds at most 20 files and 2,500 lines", room, files[room], lines[room])
		}
	}
	sort.Ints(lengths)
	if median, p90 := lengths[len(lengths)/2], lengths[len(lengths)*9/10]; median > 12 || p90 > 40 {
		t.Errorf("functions have a median of %d and a 90th percentile of %d lines: at most 12 and 40", median, p90)
	}
}

// lengthsOf checks the shapes in one file and returns the length of each function.
func lengthsOf(t *testing.T, s source) []int {
	var lengths []int
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			length := s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
			lengths = append(lengths, length)
			if length > 70 {
				t.Errorf("%s: %s has %d lines: a function holds at most 70", s.path, n.Name.Name, length)
			}
			if strings.HasPrefix(n.Name.Name, "New") && n.Recv == nil && n.Type.Params.NumFields() > 4 {
				t.Errorf("%s: %s takes %d arguments: a constructor takes at most 4, else a struct", s.path, n.Name.Name, n.Type.Params.NumFields())
			}
		case *ast.InterfaceType:
			if n.Methods.NumFields() > 5 {
				t.Errorf("%s: line %d: an interface has at most 5 methods, so that its caller's need stays visible", s.path, s.set.Position(n.Pos()).Line)
			}
		}
		return true
	})
	return lengths
}
