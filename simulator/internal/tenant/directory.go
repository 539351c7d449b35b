package tenant

import (
	"sync"
	"sync/atomic"

	"github.com/fanfare/fanfare/simulator/internal/dials"
)

// directory holds what changed since the beginning: overrides by person, and a
// log for the later rounds of a delta query.
type directory struct {
	changed   atomic.Bool // spares the fan-out the lock while nothing changed
	mu        sync.RWMutex
	overrides map[int]*override
	log       []Change
}

type override struct {
	deleted    string // "", "changed" (restorable) or "deleted"
	department *string
	enabled    *bool
	userType   *string
	manager    *int
}

// Change is one line of the directory's log.
type Change struct {
	Number int
	// Fields are the changed properties; empty with a new or removed person.
	Fields []string
	// Removed is the reason of a removal: "changed" or "deleted".
	Removed string
	// Added: the person is new, or came back.
	Added bool
}

// apply changes p as the directory was changed; false if p is deleted.
func (d *directory) apply(p *Person) bool {
	if !d.changed.Load() {
		return true
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	o := d.overrides[p.Number]
	if o == nil {
		return true
	}
	if o.department != nil {
		p.Department = *o.department
	}
	if o.enabled != nil {
		p.Enabled = *o.enabled && p.Kind != dials.Disabled
	}
	if o.userType != nil {
		p.UserType = *o.userType
	}
	if o.manager != nil {
		p.Manager = *o.manager
	}
	return o.deleted == ""
}

func (d *directory) isDeleted(n int) bool {
	if !d.changed.Load() {
		return false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	o := d.overrides[n]
	return o != nil && o.deleted != ""
}

// Edit is what can happen to a person in the directory; nil fields stay.
type Edit struct {
	Department     *string `json:"department"`
	AccountEnabled *bool   `json:"accountEnabled"`
	// Deleted is "changed" (soft), "deleted" (for good) or "" (restored).
	Deleted  *string `json:"deleted"`
	UserType *string `json:"userType"`
	// Manager is an Entra ID; "" for nobody. Delta rounds do not tell it.
	Manager *string `json:"manager"`
}

// EditPerson changes person n in the directory and logs it for delta queries.
func (t *Tenant) EditPerson(n int, e Edit) {
	d := &t.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.overrides == nil {
		d.overrides = map[int]*override{}
	}
	o := d.overrides[n]
	if o == nil {
		o = &override{}
		d.overrides[n] = o
	}
	d.changed.Store(true)
	if e.Deleted != nil && *e.Deleted != o.deleted {
		o.deleted = *e.Deleted
		d.log = append(d.log, Change{Number: n, Removed: o.deleted, Added: o.deleted == ""})
	}
	var fields []string
	if e.Department != nil {
		o.department, fields = e.Department, append(fields, "department")
	}
	if e.AccountEnabled != nil {
		o.enabled, fields = e.AccountEnabled, append(fields, "accountEnabled")
	}
	if e.UserType != nil {
		o.userType, fields = e.UserType, append(fields, "userType")
	}
	if e.Manager != nil {
		number, _ := Number(*e.Manager)
		o.manager = &number
	}
	if len(fields) > 0 {
		d.log = append(d.log, Change{Number: n, Fields: fields})
	}
}

// Hire adds people at the end of the numbers.
func (t *Tenant) Hire(count int) {
	d := &t.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	for range count {
		n := int(t.people.Add(1))
		d.log = append(d.log, Change{Number: n, Added: true})
	}
}

// Log returns the changes from an index on, and the next index.
func (t *Tenant) Log(from int) ([]Change, int) {
	d := &t.directory
	d.mu.RLock()
	defer d.mu.RUnlock()
	from = min(max(from, 0), len(d.log))
	return append([]Change(nil), d.log[from:]...), len(d.log)
}
