package directory

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

// pageSize is how many people are asked of the ledger at a time.
const pageSize = 1000

// ErrUnread is passing trouble: who everyone is, is not known yet.
var ErrUnread = errors.New("the directory has not been read yet; its first reading is under way")

// Members implements broadcast.Directory.
func (d *Directory) Members(ctx context.Context, a broadcast.Audience) iter.Seq2[broadcast.Recipient, error] {
	return func(yield func(broadcast.Recipient, error) bool) {
		var err error
		if a.Everyone {
			err = d.everyone(ctx, yield)
		} else {
			err = d.ofGroups(ctx, a.Groups, yield)
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(broadcast.Recipient{}, err)
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("enough")

type yielder = func(broadcast.Recipient, error) bool

func (d *Directory) everyone(ctx context.Context, yield yielder) error {
	at, err := d.people.Cursor(ctx)
	if err != nil {
		return err
	}
	if at.FinishedAt.IsZero() {
		return ErrUnread
	}
	for after := broadcast.EntraID(""); ; {
		page, err := d.people.PeoplePage(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, r := range page {
			if !yield(r, nil) {
				return errEnough
			}
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].EntraID
	}
}

// guid is a person's ID in 16 bytes: a million members of a group are held in
// memory until the last group was read.
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

func (d *Directory) ofGroups(ctx context.Context, groups []broadcast.Group, yield yielder) error {
	var members []guid
	for _, g := range groups {
		more, err := d.membersOf(ctx, g)
		if err != nil {
			return err
		}
		members = append(members, more...)
	}
	slices.SortFunc(members, func(a, b guid) int { return bytes.Compare(a[:], b[:]) })
	members = slices.Compact(members)
	for page := range slices.Chunk(members, pageSize) {
		people, err := d.recipients(ctx, page)
		if err != nil {
			return err
		}
		for _, r := range people {
			if !yield(r, nil) {
				return errEnough
			}
		}
	}
	return nil
}

// membersOf reads a group to its end, and stores people the directory does not
// know yet.
func (d *Directory) membersOf(ctx context.Context, g broadcast.Group) ([]guid, error) {
	var members []guid
	request := graph.Request{
		Path: "/groups/" + url.PathEscape(g.ID) + "/transitiveMembers/microsoft.graph.user",
		// The cast and $count need each other and the header (protocol G.3).
		Query: url.Values{"$select": {fields}, "$top": {"999"}, "$count": {"true"}}, Eventual: true,
	}
	for {
		page, err := d.page(ctx, request)
		if err != nil {
			return nil, groupError(g, err)
		}
		for _, p := range page.Items {
			id, ok := parseGUID(p.id)
			if !ok {
				return nil, fmt.Errorf("directory: group %s has a member whose ID %q is none", g.ID, p.id)
			}
			members = append(members, id)
		}
		if err := d.learn(ctx, page.Items); err != nil {
			return nil, err
		}
		if page.Next == "" {
			return members, nil
		}
		if page.Next == request.Link {
			return nil, fmt.Errorf("directory: the next page of group %s is the same page again", g.ID)
		}
		request = graph.Request{Link: page.Next, Eventual: true}
	}
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

// recipients looks members up again, because what the directory says of them
// decides who is excluded. Somebody gone meanwhile is named as deleted.
func (d *Directory) recipients(ctx context.Context, members []guid) ([]broadcast.Recipient, error) {
	ids := make([]broadcast.EntraID, len(members))
	for i, m := range members {
		ids[i] = m.entraID()
	}
	known, err := d.known(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]broadcast.Recipient, len(ids))
	for i, id := range ids {
		r, ok := known[id]
		if !ok {
			r = broadcast.Recipient{EntraID: id, Excluded: broadcast.ReasonDeleted}
		}
		out[i] = r
	}
	return out, nil
}
