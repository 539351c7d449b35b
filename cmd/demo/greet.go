package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/server"
	"github.com/fanfare/fanfare/simulator"
)

// greeting is what it takes to tell people how to get in.
type greeting struct {
	product *server.Server
	web     string
	painted *world
	out     io.Writer
	ended   chan error
}

// announcement is the file for scripts.
type announcement struct {
	Web       string          `json:"web"`
	API       string          `json:"api"`
	Simulator string          `json:"simulator"`
	CAFile    string          `json:"ca_file"`
	Teams     string          `json:"teams"`
	People    map[string]seat `json:"people"`
}

// seat is one person's way in: SignIn is an address that signs a browser in as
// them, UPN whom to choose on the sign-in page.
type seat struct {
	Name   string `json:"name"`
	UPN    string `json:"upn"`
	SignIn string `json:"sign_in"`
	APIKey string `json:"api_key"`
}

// greet waits until everything answers, then tells.
func greet(ctx context.Context, f flags, dir string, g greeting) error {
	if err := g.wait(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	keys, err := keysOf(ctx, f, dir, g.product)
	if err != nil {
		return err
	}
	a := announcement{Web: g.web, API: g.web + "/api/v1", Simulator: g.painted.server.URL(), CAFile: g.painted.caFile, Teams: g.painted.server.PlainURL() + "/teams", People: map[string]seat{}}
	for _, p := range cast() {
		a.People[p.part] = seat{Name: p.Name, UPN: p.UPN, SignIn: g.web + "/auth/start?login_hint=" + url.QueryEscape(p.UPN), APIKey: keys[p.part]}
	}
	if a.CAFile, err = filepath.Abs(a.CAFile); err != nil {
		return err
	}
	tell(g.out, a, f)
	if f.announce == "" {
		return nil
	}
	return writeJSON(f.announce, a)
}

// wait returns when the server is ready and has read the directory to its end.
func (g greeting) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ready, err := g.product.Settled(ctx)
		if err == nil && ready {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("nothing answered within %s (last: %w)", patience, err)
			}
			return nil
		case err := <-g.ended:
			g.ended <- err
			return errors.New("the server ended before it answered")
		}
	}
}

// part is one of the people a newcomer plays.
type part struct {
	part string
	simulator.Person
}

// actor is the part as Fanfare knows it: with the role the simulated Entra gives.
func (p part) actor() broadcast.Actor {
	return broadcast.Actor{
		ActorRef: broadcast.ActorRef{ID: broadcast.EntraID(p.EntraID), Name: p.Name}, Roles: []broadcast.Role{broadcast.Role(p.part)},
	}
}

func cast() []part {
	names := []string{"author", "approver", "admin"}
	var out []part
	for i, p := range simulator.StandardPeople()[:len(names)] {
		out = append(out, part{names[i], p})
	}
	return out
}

// keysOf makes an API key for each part, or finds those a kept demo made before.
func keysOf(ctx context.Context, f flags, dir string, product *server.Server) (map[string]string, error) {
	file := filepath.Join(dir, "keys.json")
	keys := map[string]string{}
	raw, err := os.ReadFile(file)
	if err == nil && json.Unmarshal(raw, &keys) == nil && len(keys) == len(cast()) && product.KeyWorks(ctx, keys["admin"]) {
		return keys, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range cast() {
		if keys[p.part], err = product.NewKey(ctx, p.actor(), "demo"); err != nil {
			return nil, err
		}
	}
	if f.data == "" {
		return keys, nil
	}
	return keys, writeJSON(file, keys)
}

// writeJSON writes a file that only its owner may read, at once: who sees it sees
// all of it.
func writeJSON(file string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	part := file + ".part"
	if err := os.WriteFile(part, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, file)
}

func tell(out io.Writer, a announcement, f flags) {
	fmt.Fprintf(out, `
Fanfare is running, with a simulated Contoso of %d people.

  Fanfare          %s
  Simulated Teams  %s

Sign in as
`, f.people, a.Web, a.Teams)
	for _, p := range cast() {
		s := a.People[p.part]
		fmt.Fprintf(out, "  %-13s %-9s %s\n", s.Name, p.part, s.SignIn)
	}
	fmt.Fprint(out, `
Try this first
  1. As Cora Admin open Rollout and press Start: the bot goes to everybody who can have it.
  2. As Ada Author write an announcement to Everyone, see who will get it, submit it.
  3. As Ben Approver read the exact card, approve it and send it. Watch it arrive.
  4. In the simulated Teams pick a person, click the card's buttons, write to the bot, block it.
  (Use a private window for each person, or sign out in between.)

Ctrl-C stops.
`)
}
