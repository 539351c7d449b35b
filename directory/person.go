package directory

import (
	"strings"

	"github.com/microsoft/kiota-abstractions-go/serialization"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/person"
	"github.com/fanfare/fanfare/graph"
)

// fields is what is asked of each user, in delta rounds and of group members.
const fields = "id,displayName,userPrincipalName,mail,userType,accountEnabled,assignedPlans," +
	"department,officeLocation,city,country,usageLocation,jobTitle,preferredLanguage"

// graphPerson is a user as an answer of Graph describes them: perhaps in part only.
type graphPerson struct {
	id        string
	name      *string
	upn       *string
	mail      *string
	kind      *string // userType; null for some old members
	enabled   *bool
	plans     []*plan
	planned   bool // assignedPlans was said, if only as null
	removed   bool // @removed, of either reason: soft-deleted people cannot be written to either
	dept      *string
	office    *string
	city      *string
	country   *string
	usage     *string
	job       *string
	preferred *string
}

func newPerson(serialization.ParseNode) (serialization.Parsable, error) { return &graphPerson{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (p *graphPerson) GetFieldDeserializers() graph.Fields {
	return graph.Fields{
		"id":                p.readID,
		"displayName":       graph.Text(&p.name),
		"userPrincipalName": graph.Text(&p.upn),
		"mail":              graph.Text(&p.mail),
		"userType":          graph.Text(&p.kind),
		"accountEnabled":    graph.Bool(&p.enabled),
		"assignedPlans":     p.readPlans,
		"department":        graph.Text(&p.dept),
		"officeLocation":    graph.Text(&p.office),
		"city":              graph.Text(&p.city),
		"country":           graph.Text(&p.country),
		"usageLocation":     graph.Text(&p.usage),
		"jobTitle":          graph.Text(&p.job),
		"preferredLanguage": graph.Text(&p.preferred),
		"@removed": func(serialization.ParseNode) error {
			p.removed = true
			return nil
		},
	}
}

// Serialize implements serialization.Parsable; one is never sent.
func (*graphPerson) Serialize(serialization.SerializationWriter) error { return nil }

// readID folds the case, because the ID is a key and arrives on other ways too.
func (p *graphPerson) readID(n serialization.ParseNode) error {
	err := graph.String(&p.id)(n)
	p.id = folded(p.id)
	return err
}

func (p *graphPerson) readPlans(n serialization.ParseNode) error {
	p.planned = true
	values, err := n.GetCollectionOfObjectValues(newPlan)
	for _, v := range values {
		if one, ok := v.(*plan); ok {
			p.plans = append(p.plans, one)
		}
	}
	return err
}

// plan is one of a user's service plans.
type plan struct{ id, status string }

func newPlan(serialization.ParseNode) (serialization.Parsable, error) { return &plan{}, nil }

// GetFieldDeserializers implements serialization.Parsable.
func (p *plan) GetFieldDeserializers() graph.Fields {
	return graph.Fields{"servicePlanId": graph.String(&p.id), "capabilityStatus": graph.String(&p.status)}
}

// Serialize implements serialization.Parsable; a plan is never sent.
func (*plan) Serialize(serialization.SerializationWriter) error { return nil }

// patches turns a page into what is to be stored: one patch per person, because a
// page may name somebody twice (protocol G.1) and one statement stores them all.
func (d *Directory) patches(page []*graphPerson) []person.Patch {
	at := make(map[string]int, len(page))
	out := make([]person.Patch, 0, len(page))
	for _, p := range page {
		if p.id == "" {
			continue
		}
		patch := d.patch(p)
		if i, twice := at[p.id]; twice {
			out[i] = merge(out[i], patch)
			continue
		}
		at[p.id] = len(out)
		out = append(out, patch)
	}
	return out
}

func (d *Directory) patch(p *graphPerson) person.Patch {
	patch := person.Patch{EntraID: broadcast.EntraID(p.id), Deleted: &p.removed}
	if p.removed {
		return patch
	}
	patch.Name, patch.UPN, patch.Mail, patch.Enabled = p.name, p.upn, p.mail, p.enabled
	patch.Department, patch.Office, patch.Country, patch.JobTitle, patch.PreferLang = p.dept, p.office, p.country, p.job, p.preferred
	patch.City, patch.UsageLocation = p.city, p.usage
	patch.Guest = p.guest()
	if p.kind != nil {
		kind := person.Type(folded(*p.kind))
		patch.Type = &kind
	}
	if p.planned {
		licensed := d.licensed(p.plans)
		patch.Licensed = &licensed
	}
	return patch
}

// guest is nil when nothing was said that tells. A name with #EXT# marks people
// of another tenant even where their type was set to Member (B2B).
func (p *graphPerson) guest() *bool {
	external := p.upn != nil && person.Elsewhere(*p.upn)
	if p.kind == nil && !external {
		return nil
	}
	guest := external || strings.EqualFold(*p.kind, "Guest")
	return &guest
}

func (d *Directory) licensed(plans []*plan) bool {
	for _, p := range plans {
		if d.plans[folded(p.id)] && strings.EqualFold(p.status, "Enabled") {
			return true
		}
	}
	return false
}

func folded(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// merge lays what later says over what first said.
func merge(first, later person.Patch) person.Patch {
	over(&first.Name, later.Name)
	over(&first.UPN, later.UPN)
	over(&first.Mail, later.Mail)
	over(&first.Type, later.Type)
	over(&first.Guest, later.Guest)
	over(&first.Enabled, later.Enabled)
	over(&first.Licensed, later.Licensed)
	over(&first.Deleted, later.Deleted)
	over(&first.Department, later.Department)
	over(&first.Office, later.Office)
	over(&first.Country, later.Country)
	over(&first.JobTitle, later.JobTitle)
	over(&first.PreferLang, later.PreferLang)
	over(&first.City, later.City)
	over(&first.UsageLocation, later.UsageLocation)
	return first
}

func over[T any](field **T, later *T) {
	if later != nil {
		*field = later
	}
}
