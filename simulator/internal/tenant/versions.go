package tenant

import (
	"slices"
	"sync"
)

// versions are those of the app that were ever published, in their order: chats
// remember theirs by its place.
type versions struct {
	mu   sync.Mutex
	list []string
}

// place is where a version stands.
func (v *versions) place(version string) uint16 {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.Index(v.list, version)
	if i < 0 {
		i, v.list = len(v.list), append(v.list, version)
	}
	return uint16(i)
}

func (v *versions) at(place uint16) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if int(place) < len(v.list) {
		return v.list[place]
	}
	return ""
}

// newest is the place of what is in the catalogue now.
func (t *Tenant) newest() uint16 { return t.versions.place(t.Dials.Now().PublishedVersion) }

// Version is which version of the app person n has, "" for none.
func (t *Tenant) Version(n int) (version string) {
	t.with(n, func(c *chat) {
		if c.installed {
			version = t.versions.at(c.version)
		}
	})
	return version
}

// Upgrade brings person n's app to the newest version; false if it is not there.
func (t *Tenant) Upgrade(n int) (was bool) {
	newest := t.newest()
	t.with(n, func(c *chat) {
		if was = c.installed; was {
			c.version = newest
		}
	})
	t.watch.changed(n)
	return was
}
