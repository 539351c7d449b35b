package tenant

import (
	"sync"

	"github.com/fanfare/fanfare/simulator/internal/dials"
	"github.com/fanfare/fanfare/simulator/internal/meter"
)

// chat is everything kept about a touched person, guarded by the shard's lock.
// A million of them are kept, so what few people need lies in rare.
type chat struct {
	lastID       int64
	messages     []Message
	rare         *rare
	sends, makes meter.Thread
	generation   uint32
	epoch        uint32
	version      uint16 // of the app, as the tenant counts those that were published
	unread       int32
	blocked      int8 // 0: as the dials say, 1: yes, -1: no
	touched      bool
	installed    bool
	ever         bool // was installed once
	gone         bool // the person deleted the chat and nobody created it again
	reached      bool
}

// rare is what few chats have.
type rare struct {
	notice string
	lost   []lost
	reads  meter.Thread
}

func (c *chat) rarely() *rare {
	if c.rare == nil {
		c.rare = &rare{}
	}
	return c.rare
}

// pageSize is how many neighbours are kept together: an entry of a map for each
// would cost a third of a chat. Neighbours of one shard are 256 numbers apart.
// 21 chats of 96 bytes just fit a size class of the allocator.
const pageSize = 21

type shard struct {
	mu    sync.Mutex
	pages map[int]*[pageSize]chat
}

// at returns the place of person n, or nil if no neighbour was ever touched.
func (s *shard) at(n int) *chat {
	n /= shardCount
	page := s.pages[n/pageSize]
	if page == nil {
		return nil
	}
	return &page[n%pageSize]
}

func (s *shard) make(n int) *chat {
	if c := s.at(n); c != nil {
		return c
	}
	page := new([pageSize]chat)
	s.pages[n/shardCount/pageSize] = page
	return &page[n/shardCount%pageSize]
}

// with runs do under the lock of person n's chat, which it creates if needed.
func (t *Tenant) with(n int, do func(*chat)) {
	s := &t.shards[n%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.make(n)
	if !c.touched {
		c.touched, c.generation = true, 1
		c.installed = t.Dials.Now().Kind(n) == dials.Preinstalled
	}
	if epoch := uint32(t.epoch.Load()); c.epoch != epoch {
		c.epoch, c.reached = epoch, false
		if c.rare != nil {
			c.rare.lost = nil
		}
	}
	do(c)
}

// peek runs do under the lock if the person was ever touched.
func (t *Tenant) peek(n int, do func(*chat)) bool {
	s := &t.shards[n%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.at(n)
	if c == nil || !c.touched {
		return false
	}
	do(c)
	return true
}

// Touched returns the numbers of people with a chat, unordered.
func (t *Tenant) Touched() []int {
	var numbers []int
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for place, page := range s.pages {
			for j := range page {
				if page[j].touched {
					numbers = append(numbers, (place*pageSize+j)*shardCount+i)
				}
			}
		}
		s.mu.Unlock()
	}
	return numbers
}
