package message

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// Links decides which addresses a message may carry. Everything is https but
// the loopback addresses (host:port) an operator allow-listed.
type Links struct{ PlainHTTP []string }

// Allow tells whether raw may stand in a message: nil, or a sentence why not.
func (l Links) Allow(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not a complete address; it should look like https://intranet.example/page")
	case len(raw) > MaxURL:
		return fmt.Errorf("is longer than %d characters", MaxURL)
	case u.User != nil:
		return errors.New("must not contain a user name or password")
	case u.Scheme == "https", u.Scheme == "http" && slices.Contains(l.PlainHTTP, u.Host):
		return nil
	}
	return errors.New("must begin with https://, because Teams opens nothing else safely")
}
