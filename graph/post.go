package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// Post makes one POST below the base URL, for calls the SDK has no builder for, or one
// that costs more than it gives. path is escaped. What a success answers is not read.
// Errors are *broadcast.Fault.
func Post(ctx context.Context, c *Client, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return faultOf(err, note{})
	}
	address, err := url.Parse(c.base + path)
	if err != nil {
		return faultOf(fmt.Errorf("a path that is none: %w", err), note{})
	}
	return c.Do(ctx, func(ctx context.Context) error {
		info := abstractions.NewRequestInformation()
		info.Method = abstractions.POST
		info.SetUri(*address)
		info.Headers.Add("Accept", "application/json")
		info.SetStreamContentAndContentType(raw, "application/json")
		return c.adapter.SendNoContent(ctx, info, nil)
	})
}
