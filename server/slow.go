package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// How slow a client may be. Everything we answer is small but for the live
// streams, which set a limit of their own for each word.
const (
	bodyWithin   = 30 * time.Second // for a request's whole body, at most 1 MB
	answerWithin = 2 * time.Minute  // for work and answer; counting a large group asks Microsoft page by page
)

// hurried gives a request's body a time limit, so that clients who send a byte now
// and then cannot hold connections by the thousand. http.Server's own ReadTimeout
// would end the live streams too: it goes on after the body.
func hurried(next http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		if err := rc.SetReadDeadline(time.Now().Add(within)); err == nil {
			r.Body = &hurriedBody{r.Body, rc}
		}
		next.ServeHTTP(w, r)
	})
}

// hurriedBody takes the limit away at the body's end: from there on the connection
// is only listened to for the client's going away.
type hurriedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *hurriedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.rc.SetReadDeadline(time.Time{}) // was supported a moment ago
	}
	return n, err
}
