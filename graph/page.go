package graph

import (
	"context"

	"github.com/microsoft/kiota-abstractions-go/serialization"
)

// Page is one page of a collection. Next leads to the following page; a delta
// query's last page has Delta instead.
type Page[T serialization.Parsable] struct {
	Items       []T
	Next, Delta string

	item serialization.ParsableFactory
}

// GetPage fetches a page whose items are made by factory. Errors are
// *broadcast.Fault.
func GetPage[T serialization.Parsable](ctx context.Context, c *Client, r Request, factory serialization.ParsableFactory) (*Page[T], error) {
	return Get[*Page[T]](ctx, c, r, func(serialization.ParseNode) (serialization.Parsable, error) {
		return NewPage[T](factory), nil
	})
}

// NewPage is an empty page, to be read into.
func NewPage[T serialization.Parsable](factory serialization.ParsableFactory) *Page[T] {
	return &Page[T]{item: factory}
}

// GetFieldDeserializers implements serialization.Parsable.
func (p *Page[T]) GetFieldDeserializers() Fields {
	return Fields{
		"@odata.nextLink":  String(&p.Next),
		"@odata.deltaLink": String(&p.Delta),
		"value": func(n serialization.ParseNode) error {
			values, err := n.GetCollectionOfObjectValues(p.item)
			for _, v := range values {
				if item, ok := v.(T); ok {
					p.Items = append(p.Items, item)
				}
			}
			return err
		},
	}
}

// Serialize implements serialization.Parsable; a page is never sent.
func (*Page[T]) Serialize(serialization.SerializationWriter) error { return nil }

// Fields says how the fields of an object are read. A lean type of ours instead
// of the SDK's model builds a handful of these per object and not some 130, and
// it can tell null from absent, which a delta query needs (protocol G.1).
type Fields = map[string]func(serialization.ParseNode) error

// String reads a string; null leaves "".
func String(into *string) func(serialization.ParseNode) error {
	return func(n serialization.ParseNode) error {
		s, err := n.GetStringValue()
		if s != nil {
			*into = *s
		}
		return err
	}
}

// Text reads a string that may be absent (nil) or null ("").
func Text(into **string) func(serialization.ParseNode) error {
	return func(n serialization.ParseNode) error {
		s, err := n.GetStringValue()
		if s == nil {
			s = new(string)
		}
		*into = s
		return err
	}
}

// Bool reads a bool; absent and null leave nil.
func Bool(into **bool) func(serialization.ParseNode) error {
	return func(n serialization.ParseNode) (err error) {
		*into, err = n.GetBoolValue()
		return err
	}
}
