package directory

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

// guid is an object's ID.
type guid [16]byte

func parseGUID(s string) (guid, bool) {
	var g guid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, false
	}
	_, err := hex.Decode(g[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:]))
	return g, err == nil
}

func (g guid) entraID() broadcast.EntraID {
	h := hex.EncodeToString(g[:])
	return broadcast.EntraID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// Members yields the people of a group, nested and dynamic ones included, page by
// page, some perhaps twice. Whoever the ledger did not know is stored before. What
// was yielded before an error is not the group.
func (d *Directory) Members(ctx context.Context, g broadcast.Group) iter.Seq2[broadcast.EntraID, error] {
	return func(yield func(broadcast.EntraID, error) bool) {
		request := graph.Request{
			Path: "/groups/" + url.PathEscape(g.ID) + "/transitiveMembers/microsoft.graph.user",
			// The cast and $count need each other and the header (protocol G.3).
			Query: url.Values{"$select": {fields}, "$top": {"999"}, "$count": {"true"}}, Eventual: true,
		}
		for {
			members, next, err := d.membersPage(ctx, g, request)
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range members {
				if !yield(id, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			request = graph.Request{Link: next, Eventual: true}
		}
	}
}

func (d *Directory) membersPage(ctx context.Context, g broadcast.Group, request graph.Request) (members []broadcast.EntraID, next string, err error) {
	page, err := d.page(ctx, request)
	if err != nil {
		return nil, "", groupError(g, err)
	}
	for _, p := range page.Items {
		id, ok := parseGUID(p.id)
		if !ok {
			return nil, "", fmt.Errorf("directory: group %s has a member whose ID %q is none", g.ID, p.id)
		}
		members = append(members, id.entraID())
	}
	if err := d.learn(ctx, page.Items); err != nil {
		return nil, "", err
	}
	if page.Next != "" && page.Next == request.Link {
		return nil, "", fmt.Errorf("directory: the next page of group %s is the same page again", g.ID)
	}
	return members, page.Next, nil
}

// groupError says it in words when the group itself is the trouble; then nobody
// gets anything until the author chose differently.
func groupError(g broadcast.Group, err error) error {
	name := g.Name
	if name == "" {
		name = g.ID
	}
	switch graph.Status(err) {
	case http.StatusForbidden:
		return &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: fmt.Sprintf(
			"The members of the group “%s” cannot be read. If its membership is hidden, an administrator must grant Fanfare the permission Member.Read.Hidden; otherwise choose another group.", name)}
	case http.StatusNotFound:
		return &broadcast.Error{Code: broadcast.Invalid, Field: "audience", Message: fmt.Sprintf(
			"The members of the group “%s” cannot be read, because the group no longer exists. Choose another group.", name)}
	}
	return fmt.Errorf("directory: reading group %s: %w", g.ID, err)
}

// learn stores those of a page whom the directory does not know or thinks gone.
func (d *Directory) learn(ctx context.Context, page []*graphPerson) error {
	ids := make([]broadcast.EntraID, len(page))
	for i, p := range page {
		ids[i] = broadcast.EntraID(p.id)
	}
	known, err := d.known(ctx, ids)
	if err != nil {
		return err
	}
	var strangers []*graphPerson
	for _, p := range page {
		r, ok := known[broadcast.EntraID(p.id)]
		if !ok || r.Excluded == broadcast.ReasonDeleted {
			strangers = append(strangers, p)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	return d.people.SavePeople(ctx, d.patches(strangers), nil)
}

func (d *Directory) known(ctx context.Context, ids []broadcast.EntraID) (map[broadcast.EntraID]broadcast.Recipient, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	people, err := d.people.KnownPeople(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[broadcast.EntraID]broadcast.Recipient, len(people))
	for _, r := range people {
		out[r.EntraID] = r
	}
	return out, nil
}
