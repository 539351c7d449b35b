package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
)

// MaxBatch is how many requests go into one batch (protocol F.6).
const MaxBatch = 20

// Answer is what one request of a batch came to. Err is a *broadcast.Fault.
type Answer[T serialization.Parsable] struct {
	Body T
	Err  error
}

// Batch sends up to MaxBatch GETs in one, and returns an answer for each, in their order.
// Each is counted and throttled by Graph on its own, behind an envelope that says 200
// (protocol F.6): the caller repeats those that failed. err is the envelope's.
func Batch[T serialization.Parsable](ctx context.Context, c *Client, requests []Request, factory serialization.ParsableFactory) ([]Answer[T], error) {
	body, err := envelope(requests)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(c.base + "/$batch")
	if err != nil {
		return nil, faultOf(err, note{})
	}
	var got *answers
	err = c.Do(ctx, func(ctx context.Context) error {
		info := abstractions.NewRequestInformation()
		info.Method = abstractions.POST
		info.SetUri(*address)
		info.Headers.Add("Accept", "application/json")
		info.SetStreamContentAndContentType(body, "application/json")
		sent, err := c.adapter.Send(ctx, info, func(serialization.ParseNode) (serialization.Parsable, error) { return &answers{body: factory}, nil }, nil)
		if err != nil {
			return err
		}
		var ok bool
		if got, ok = sent.(*answers); !ok {
			return fmt.Errorf("the answer is no batch's")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return inOrder[T](c, got.all, len(requests)), nil
}

type item struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
}

func envelope(requests []Request) ([]byte, error) {
	if len(requests) == 0 || len(requests) > MaxBatch {
		return nil, fmt.Errorf("graph: a batch has 1 to %d requests, not %d", MaxBatch, len(requests))
	}
	items := make([]item, len(requests))
	for i, r := range requests {
		items[i] = item{ID: strconv.Itoa(i), Method: "GET", URL: r.url("")}
		if r.Eventual {
			items[i].Headers = map[string]string{"ConsistencyLevel": "eventual"}
		}
	}
	return json.Marshal(map[string][]item{"requests": items})
}

// inOrder gives each request its answer: they come in any order, and one that is missing
// is one that was not answered.
func inOrder[T serialization.Parsable](c *Client, all []*answer, n int) []Answer[T] {
	out := make([]Answer[T], n)
	for i := range out {
		out[i].Err = faultOf(fmt.Errorf("the batch has no answer for it"), note{})
	}
	for _, a := range all {
		i, err := strconv.Atoi(a.id)
		if err != nil || i < 0 || i >= n {
			continue
		}
		body, ok := a.value.(T)
		if a.status >= 300 || !ok {
			out[i].Err = faultOf(nil, note{status: a.status, retryAfter: retryAfter(a.headers.retryAfter, c.now()), code: a.failure.code, message: a.failure.message})
			continue
		}
		out[i] = Answer[T]{Body: body}
	}
	return out
}

// answers is a batch's envelope.
type answers struct {
	body serialization.ParsableFactory
	all  []*answer
}

// GetFieldDeserializers implements serialization.Parsable.
func (a *answers) GetFieldDeserializers() Fields {
	return Fields{"responses": func(n serialization.ParseNode) error {
		values, err := n.GetCollectionOfObjectValues(func(serialization.ParseNode) (serialization.Parsable, error) { return &answer{factory: a.body}, nil })
		for _, v := range values {
			if one, ok := v.(*answer); ok {
				a.all = append(a.all, one)
			}
		}
		return err
	}}
}

// Serialize implements serialization.Parsable; an answer is never sent.
func (*answers) Serialize(serialization.SerializationWriter) error { return nil }

// answer is one of a batch's. Its body is read as what was asked for and as an error:
// which of the two it is, its status says, which may come later in the text.
type answer struct {
	factory serialization.ParsableFactory
	id      string
	status  int
	headers answerHeaders
	value   serialization.Parsable
	failure answerError
}

// GetFieldDeserializers implements serialization.Parsable.
func (a *answer) GetFieldDeserializers() Fields {
	return Fields{
		"id": String(&a.id),
		"status": func(n serialization.ParseNode) error {
			status, err := n.GetInt32Value()
			if status != nil {
				a.status = int(*status)
			}
			return err
		},
		"headers": func(n serialization.ParseNode) error {
			return into(n, &a.headers)
		},
		"body": func(n serialization.ParseNode) (err error) {
			if a.value, err = n.GetObjectValue(a.factory); err != nil {
				return err
			}
			return into(n, &errorBody{&a.failure})
		},
	}
}

// Serialize implements serialization.Parsable; an answer is never sent.
func (*answer) Serialize(serialization.SerializationWriter) error { return nil }

func into(n serialization.ParseNode, v serialization.Parsable) error {
	_, err := n.GetObjectValue(func(serialization.ParseNode) (serialization.Parsable, error) { return v, nil })
	return err
}

type answerHeaders struct{ retryAfter string }

// GetFieldDeserializers implements serialization.Parsable.
func (h *answerHeaders) GetFieldDeserializers() Fields {
	return Fields{"Retry-After": String(&h.retryAfter)}
}

// Serialize implements serialization.Parsable; headers are never sent.
func (*answerHeaders) Serialize(serialization.SerializationWriter) error { return nil }

type errorBody struct{ of *answerError }

// GetFieldDeserializers implements serialization.Parsable.
func (e *errorBody) GetFieldDeserializers() Fields {
	return Fields{"error": func(n serialization.ParseNode) error { return into(n, e.of) }}
}

// Serialize implements serialization.Parsable; an error is never sent.
func (*errorBody) Serialize(serialization.SerializationWriter) error { return nil }

type answerError struct{ code, message string }

// GetFieldDeserializers implements serialization.Parsable.
func (e *answerError) GetFieldDeserializers() Fields {
	return Fields{"code": String(&e.code), "message": String(&e.message)}
}

// Serialize implements serialization.Parsable; an error is never sent.
func (*answerError) Serialize(serialization.SerializationWriter) error { return nil }
