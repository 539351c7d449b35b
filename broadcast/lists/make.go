package lists

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/fanfare/fanfare/broadcast"
)

// lookUpEach is how many rows one statement looks up.
const lookUpEach = 4_000

// Make looks the rows up and stores them as a list.
func (s *Service) Make(ctx context.Context, a broadcast.Actor, name string, rows []Row) (List, error) {
	if err := MayWrite(a); err != nil {
		return List{}, err
	}
	name, err := tidyName(name)
	if err != nil {
		return List{}, err
	}
	switch {
	case len(rows) == 0:
		return List{}, &broadcast.Error{Code: broadcast.Invalid, Field: "rows", Message: "There is not a single row. Give one address or ID per line."}
	case len(rows) > MaxRows:
		return List{}, TooManyRows()
	}
	found, err := s.lookUp(ctx, rows)
	if err != nil {
		return List{}, err
	}
	now := s.now()
	l := List{ID: broadcast.NewID(now), Name: name, By: a.ActorRef, CreatedAt: now, Rows: len(rows)}
	outcomes := judge(&l, rows, found)
	if err := s.ledger.SaveList(ctx, l, outcomes); err != nil {
		return List{}, err
	}
	return l, nil
}

// TooManyRows is the refusal of a list that is too long.
func TooManyRows() *broadcast.Error {
	return &broadcast.Error{Code: broadcast.Invalid, Field: "rows", Message: "The list has more than 200,000 rows. Divide it into several lists; an audience may have many of them. For everybody in a department or country choose that instead."}
}

func tidyName(name string) (string, error) {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")), " ")
	switch {
	case name == "":
		return "", &broadcast.Error{Code: broadcast.Invalid, Field: "name", Message: "Give it a name, so that you and others find it again."}
	case utf8.RuneCountInString(name) > MaxName:
		return "", &broadcast.Error{Code: broadcast.Invalid, Field: "name", Message: fmt.Sprintf("The name is longer than %d characters. Shorten it.", MaxName)}
	}
	return name, nil
}

// Match is whom a key names: nobody, one, or several.
type Match struct {
	EntraID broadcast.EntraID
	Several bool
}

// guid is the usual form only.
var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsID tells an object's ID from an address, of a key.
func IsID(key string) bool { return guid.MatchString(key) }

// keyOf is a row as it is looked up, "" if it can name nobody: an ID, or what has an @
// between other things. ASCII capitals only are folded, as both databases can; Graph
// folds the others.
func keyOf(text string) string {
	text = strings.TrimSpace(text)
	text = strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	if at := strings.IndexByte(text, '<'); at >= 0 && strings.HasSuffix(text, ">") { // Ada <ada@contoso.com>
		text = text[at+1 : len(text)-1]
	}
	if len(text) >= 7 && strings.EqualFold(text[:7], "mailto:") {
		text = text[7:]
	}
	key := strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
	if IsID(key) {
		return key
	}
	at := strings.LastIndexByte(key, '@')
	if at < 1 || at == len(key)-1 || utf8.RuneCountInString(key) > maxText || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == utf8.RuneError }) {
		return ""
	}
	return key
}

// lookUp finds whom the rows name: in the ledger, and of those it has not so many as
// may be asked for at Graph. A key that is absent was not asked for.
func (s *Service) lookUp(ctx context.Context, rows []Row) (map[string]Match, error) {
	found := make(map[string]Match, len(rows))
	var keys []string
	for _, r := range rows {
		if key := keyOf(r.Text); key != "" {
			if _, twice := found[key]; !twice {
				found[key] = Match{}
				keys = append(keys, key)
			}
		}
	}
	var strangers []string
	for from := 0; from < len(keys); from += lookUpEach {
		page := keys[from:min(from+lookUpEach, len(keys))]
		known, err := s.ledger.LookUp(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, key := range page {
			if m, ok := known[key]; ok {
				found[key] = m
			} else {
				strangers = append(strangers, key)
			}
		}
	}
	for _, key := range strangers[min(len(strangers), MaxAsked):] {
		delete(found, key)
	}
	strangers = strangers[:min(len(strangers), MaxAsked)]
	if len(strangers) == 0 {
		return found, nil
	}
	more, err := s.directory.LookUp(ctx, strangers)
	for key, m := range more {
		found[key] = m
	}
	return found, err
}

// judge says what became of each row, and counts.
func judge(l *List, rows []Row, found map[string]Match) []Outcome {
	first := make(map[broadcast.EntraID]int, len(found))
	out := make([]Outcome, len(rows))
	for i, r := range rows {
		o := &out[i]
		o.Row = r
		if runes := []rune(r.Text); len(runes) > maxText {
			o.Text = string(runes[:maxText-1]) + "…"
		}
		key := keyOf(r.Text)
		m, asked := found[key]
		switch {
		case key == "":
			o.Problem = Unreadable
		case !asked:
			o.Problem = Unasked
		case m.Several:
			o.Problem = Ambiguous
		case m.EntraID == "":
			o.Problem = NotFound
		default:
			o.EntraID = m.EntraID
			l.Found++
			if o.FirstLine = first[m.EntraID]; o.FirstLine > 0 {
				o.Problem = Twice
				continue
			}
			first[m.EntraID] = r.Line
			l.People++
		}
	}
	return out
}

// Names tells whether a text may name somebody: an address or an object's ID.
func Names(text string) bool { return keyOf(text) != "" }
