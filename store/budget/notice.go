package budget

import (
	"encoding/json"
	"time"
)

// Channel is the PostgreSQL channel on which replicas tell each other things.
const Channel = "fanfare"

// notice is what is said on the channel; other rooms have words of their own.
type notice struct {
	Pause *Pause `json:"pause"`
}

// Pause says that nobody may make a request of a family for so long. One database
// may serve several tenants, so it says whose allowance it is.
type Pause struct {
	Tenant string `json:"tenant"`
	Family string `json:"family"`
	Micros int64  `json:"micros"`
}

// For is how long the pause lasts from when it was said.
func (p Pause) For() time.Duration { return time.Duration(p.Micros) * time.Microsecond }

// ParsePause reads what was said on the channel; false if it is no pause.
func ParsePause(payload string) (Pause, bool) {
	var n notice
	if json.Unmarshal([]byte(payload), &n) != nil || n.Pause == nil || n.Pause.Family == "" || n.Pause.Micros <= 0 {
		return Pause{}, false
	}
	return *n.Pause, true
}
