package graph

import (
	"context"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
)

// Do runs one call of the SDK and returns its failure as a *broadcast.Fault. The
// call must use the context it is given. Each Do is one request: nothing is
// retried here, the caller's budget decides.
func (c *Client) Do(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ctx, n := withNote(ctx)
	err := c.guarded(ctx, call)
	if err == nil && n.status < 300 {
		return nil
	}
	return faultOf(err, *n)
}

// guarded makes a panic of the SDK an error: it has some for answers nobody
// should give.
func (c *Client) guarded(ctx context.Context, call func(ctx context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("the Graph SDK panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("the Graph SDK panicked: %v", p)
		}
	}()
	return call(ctx)
}

// Request is a GET. Link, if set, is followed verbatim (a nextLink or deltaLink);
// otherwise Path (escaped, below the base URL) and Query say what is asked.
type Request struct {
	Path  string
	Query url.Values
	Link  string
	// Eventual sends ConsistencyLevel: eventual, which $search, $count and casts
	// need on every page (protocol G.3).
	Eventual bool
}

func (r Request) url(base string) string {
	if r.Link != "" {
		return r.Link
	}
	if len(r.Query) == 0 {
		return base + r.Path
	}
	// OData reads a plus as a plus.
	return base + r.Path + "?" + strings.ReplaceAll(r.Query.Encode(), "+", "%20")
}

// Get fetches one object through the SDK's adapter, without a generated builder.
// Errors are *broadcast.Fault.
func Get[T serialization.Parsable](ctx context.Context, c *Client, r Request, factory serialization.ParsableFactory) (T, error) {
	var out T
	address, err := url.Parse(r.url(c.base))
	if err != nil {
		return out, faultOf(fmt.Errorf("a link that is none: %w", err), note{})
	}
	err = c.Do(ctx, func(ctx context.Context) error {
		info := abstractions.NewRequestInformation()
		info.Method = abstractions.GET
		info.SetUri(*address)
		info.Headers.Add("Accept", "application/json")
		if r.Eventual {
			info.Headers.Add("ConsistencyLevel", "eventual")
		}
		got, err := c.adapter.Send(ctx, info, factory, nil)
		if err != nil {
			return err
		}
		var ok bool
		if out, ok = got.(T); !ok {
			return fmt.Errorf("the answer holds no %T", out)
		}
		return nil
	})
	return out, err
}
