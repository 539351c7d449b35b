package graph

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// Look makes one GET below the base URL and returns the answer as it came, for those
// who only want to know whether they may ask. eventual is as in Request. Errors are
// *broadcast.Fault.
func (c *Client) Look(ctx context.Context, path string, query url.Values, eventual bool) ([]byte, error) {
	address, err := url.Parse(Request{Path: path, Query: query}.url(c.base))
	if err != nil {
		return nil, faultOf(fmt.Errorf("a path that is none: %w", err), note{})
	}
	var out []byte
	err = c.Do(ctx, func(ctx context.Context) error {
		info := abstractions.NewRequestInformation()
		info.Method = abstractions.GET
		info.SetUri(*address)
		info.Headers.Add("Accept", "application/json")
		if eventual {
			info.Headers.Add("ConsistencyLevel", "eventual")
		}
		got, err := c.adapter.SendPrimitive(ctx, info, "[]byte", nil)
		if err != nil {
			return err
		}
		var ok bool
		if out, ok = got.([]byte); !ok {
			return errors.New("the answer is empty")
		}
		return nil
	})
	return out, err
}
