package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fanfare/fanfare/broadcast"
)

const (
	clockOff   = 30 * time.Second // noticed before it does harm
	clockWrong = 5 * time.Minute  // tokens are refused from here on (protocol B.3)
)

const noDatabase = "Look at FANFARE_DATABASE, and whether the database runs and lets this machine in."

func (d *Desk) database(ctx context.Context) Finding {
	if d.o.Database == nil {
		return fail("There is no database.", noDatabase)
	}
	if err := d.o.Database.Ping(ctx); err != nil {
		return fail("The database cannot be used: "+plain(err)+".", noDatabase)
	}
	return ok("It answers and has room.")
}

func (d *Desk) migrations(ctx context.Context) Finding {
	if d.o.Database == nil {
		return unknown("The database cannot be read.", "Mend the database first.")
	}
	if err := d.o.Database.Migrated(ctx); err != nil {
		return fail(upper(plain(err))+".", "“fanfare serve” migrates by itself when it starts; “fanfare migrate” does nothing else. A newer schema needs the newer Fanfare.")
	}
	return ok("It is the one this version was built for.")
}

func (d *Desk) clockDatabase(ctx context.Context) Finding {
	if d.o.Database == nil {
		return unknown("The database cannot be read.", "Mend the database first.")
	}
	theirs, err := d.o.Database.Clock(ctx)
	if err != nil {
		return unknown("The database does not tell the time: "+plain(err)+".", "Mend the database first.")
	}
	return clock("The database’s clock", theirs.Sub(d.o.Now()), 0)
}

// clockMicrosoft compares with the Date header Entra and Graph put on every answer,
// also on a refusal. It counts whole seconds.
func (d *Desk) clockMicrosoft(ctx context.Context) Finding {
	var problem error
	for _, at := range []*url.URL{d.discovery(), d.o.GraphURL} {
		off, err := d.dateOf(ctx, at.String())
		if err == nil {
			return clock("The clock of "+at.Host, off, time.Second)
		}
		problem = errors.Join(problem, err)
	}
	return unknown("Microsoft does not tell the time: "+plain(problem)+".", "Let this machine reach "+d.o.Authority.Host+" by https.")
}

func (d *Desk) dateOf(ctx context.Context, at string) (time.Duration, error) {
	begun := d.o.Now()
	res, err := d.fetch(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // for the connection to be used again
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, errors.New("its answer has no date")
	}
	// Half the way there and back, and half of the second that the header leaves out.
	ours := begun.Add(d.o.Now().Sub(begun) / 2)
	return theirs.Add(time.Second / 2).Sub(ours), nil
}

// fetch asks somebody of Microsoft's, without a token.
func (d *Desk) fetch(ctx context.Context, method, at string, form url.Values) (*http.Response, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return d.o.HTTP.Do(req)
}

// clock judges how far somebody's clock is ahead of ours.
func clock(whose string, off, grain time.Duration) Finding {
	way, by := "ahead of", off
	if off < 0 {
		way, by = "behind", -off
	}
	const remedy = "Let both machines keep their clocks by NTP. From five minutes on Microsoft’s tokens are refused."
	says := fmt.Sprintf("%s is %v %s ours.", whose, by.Round(time.Second), way)
	switch {
	case by > clockWrong:
		return fail(says, remedy)
	case by > clockOff:
		return warn(says, remedy)
	case by <= grain+time.Second:
		return ok(whose + " and ours agree.")
	}
	return ok(says)
}

// plain is an error in few words, without the address that was asked: it stands in the
// sentence already. Entra's and Graph's own sentences are cut out of what is around.
func plain(err error) string {
	var timeout interface{ Timeout() bool }
	var fault *broadcast.Fault
	var asked *url.Error
	switch {
	case errors.As(err, &fault) && fault.Detail != "":
		return trimmed(fault.Detail)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &asked):
		return plain(asked.Err)
	}
	return trimmed(entraSays(err.Error()))
}

// entraSays cuts Entra's sentence out of a page of diagnostics.
func entraSays(text string) string {
	i := strings.Index(text, "AADSTS")
	if i < 0 {
		return text
	}
	if end := strings.IndexAny(text[i:], "\"\r\n\\"); end > 0 {
		return text[i : i+end]
	}
	return text[i:]
}

const mostWords = 240 // characters of somebody else's words

func trimmed(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ". ")
	if r := []rune(s); len(r) > mostWords {
		return string(r[:mostWords]) + "…"
	}
	return s
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
