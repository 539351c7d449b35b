package broadcast

import (
	"context"

	"github.com/fanfare/fanfare/broadcast/message"
)

// What people will read (package message).
type (
	Message = message.Message
	Button  = message.Button
	Links   = message.Links
)

// problemsOf are a message's mistakes as people are told them.
func problemsOf(mistakes []message.Mistake) Problems {
	var out Problems
	for _, m := range mistakes {
		out = append(out, &Error{Invalid, m.Field, m.Words})
	}
	return out
}

// Payload is a message composed once for all recipients of a locale: the bytes of the
// activity, and its Card alone for previews. Units is its size as Teams counts
// it (UTF-16 bytes, protocol E.4).
type Payload struct {
	Activity []byte
	Card     []byte
	Units    int
}

// Messenger speaks to people's Teams.
type Messenger interface {
	// Compose builds the payload in a variant's locale, "" for the default. An *Error
	// says what does not fit.
	Compose(b *Broadcast, locale string) (Payload, error)
	// Reply posts a short Markdown text, or a *Fault.
	Reply(ctx context.Context, to ConversationReference, text string) error
}

// fits composes the message in each of its locales: every variant has to fit by
// itself. The error names the first field that does not.
func (s *Service) fits(b *Broadcast) error {
	for _, locale := range b.Message.Locales() {
		_, err := s.messenger.Compose(b, locale)
		if err != nil {
			return in(locale, err)
		}
	}
	return nil
}

// in tells that an error about a message is about its variant.
func in(locale string, err error) error {
	if e := AsError(err); e != nil && e.Field != "" {
		m := message.About(locale, message.Mistake{Field: e.Field, Words: e.Message})
		return &Error{e.Code, m.Field, m.Words}
	}
	return err
}
