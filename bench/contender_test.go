package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What a contender is told by its environment.
const (
	envContender = "FANFARE_BENCH_CONTENDER"
	envSink      = "FANFARE_BENCH_SINK"
	envDatabase  = "FANFARE_BENCH_DATABASE"
	envPeople    = "FANFARE_BENCH_CROWD"
)

const contenderWorkers = 64

// conversation is a person's: of the length Teams' personal ones have.
func conversation(person int) string { return fmt.Sprintf("a:1fanfare%070d", person) }

// payload is a card of about 4 KB, as large as Fanfare's.
func payload() []byte {
	text := func(s string) map[string]any {
		return map[string]any{"type": "TextBlock", "wrap": true, "text": s}
	}
	var card []any
	for _, paragraph := range strings.Split(longBody(40), "\n\n") {
		card = append(card, text(paragraph))
	}
	raw, err := json.Marshal(map[string]any{
		"type": "message", "summary": "The office stays closed",
		"attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content":     map[string]any{"type": "AdaptiveCard", "version": "1.5", "body": card},
		}},
	})
	if err != nil {
		panic(err) // of strings and maps there is nothing to fail
	}
	return raw
}

// longBody is an announcement's text, in paragraphs.
func longBody(sentences int) string {
	const sentence = "The office stays closed on Friday because of works on the roof, and the canteen with it. "
	const paragraph = 5
	return strings.Repeat(strings.Repeat(sentence, paragraph)+"\n\n", sentences/paragraph) + strings.Repeat(sentence, sentences%paragraph)
}

// bearer is as long as a bot's token.
var bearer = "Bearer " + strings.Repeat("x", 1200)

// poster is what everything is measured by: the least a Go program does with
// net/http.
type poster struct {
	http *http.Client
	at   string
	body []byte
}

func newPoster(at string) *poster {
	return &poster{at: at, body: payload(), http: &http.Client{Transport: &http.Transport{
		MaxIdleConns: contenderWorkers, MaxIdleConnsPerHost: contenderWorkers,
	}}}
}

// post sends one message and returns its activity ID.
func (p *poster) post(person int) (string, error) {
	r, err := http.NewRequest(http.MethodPost, p.at+"/v3/conversations/"+conversation(person)+"/activities", bytes.NewReader(p.body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", bearer)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	got, err := p.http.Do(r)
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		return "", err
	}
	var said struct{ ID string }
	if err := json.Unmarshal(raw, &said); err != nil || got.StatusCode != http.StatusCreated || said.ID == "" {
		return "", fmt.Errorf("status %d: %s", got.StatusCode, raw)
	}
	return said.ID, nil
}

// outcome is one person's.
type outcome struct {
	Person   int    `json:"p"`
	Activity string `json:"a"`
}

// record writes outcomes down, committed when it returns.
type record func(ctx context.Context, batch []outcome) error

// playContender gets ready, says so, waits for the word, sends to everybody, and
// says when all is sent and written down.
func playContender() error {
	ctx := context.Background()
	people, err := strconv.Atoi(os.Getenv(envPeople))
	if err != nil {
		return err
	}
	p := newPoster(os.Getenv(envSink))
	var run func() error
	switch kind := os.Getenv(envContender); kind {
	case "bare":
		run = func() error { return loop(ctx, p, people, nil) }
	case "river":
		if run, err = riverRun(ctx, p, people); err != nil {
			return err
		}
	default:
		keep, err := recorders[kind](ctx, os.Getenv(envDatabase), people)
		if err != nil {
			return err
		}
		run = func() error { return loop(ctx, p, people, keep) }
	}
	fmt.Println("ready")
	<-told
	if err := run(); err != nil {
		return err
	}
	fmt.Println("done")
	for range told { // until the harness has looked at this process and ends it
	}
	return nil
}

// A batch is written when it has so many outcomes, or its first is so old.
const (
	batchSize = 1000
	batchAge  = 100 * time.Millisecond
)

// loop sends to everybody with so many workers; what came of it goes to keep, in
// batches, while sending goes on.
func loop(ctx context.Context, p *poster, people int, keep record) error {
	var next atomic.Int64
	failed := make(chan error, contenderWorkers+1)
	outcomes := make(chan outcome, 4*batchSize)
	var workers, recorder sync.WaitGroup
	for range contenderWorkers {
		workers.Go(func() {
			for person := int(next.Add(1)); person <= people; person = int(next.Add(1)) {
				activity, err := p.post(person)
				if err != nil {
					failed <- err
					return
				}
				if keep != nil {
					outcomes <- outcome{person, activity}
				}
			}
		})
	}
	recorder.Go(func() {
		if err := recordAll(ctx, outcomes, keep); err != nil {
			failed <- err
		}
	})
	workers.Wait()
	close(outcomes)
	recorder.Wait()
	close(failed)
	return <-failed
}

// recordAll writes batches until there are no more outcomes. It goes on reading
// after an error, so that nobody waits for it.
func recordAll(ctx context.Context, outcomes <-chan outcome, keep record) (err error) {
	due := time.NewTicker(batchAge)
	defer due.Stop()
	var batch []outcome
	write := func() {
		if len(batch) > 0 && err == nil {
			err = keep(ctx, batch)
		}
		batch = batch[:0]
	}
	for {
		select {
		case o, more := <-outcomes:
			if !more {
				write()
				return err
			}
			if batch = append(batch, o); len(batch) >= batchSize {
				write()
			}
		case <-due.C:
			write()
		}
	}
}
