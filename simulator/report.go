package simulator

import "github.com/fanfare/fanfare/simulator/internal/tenant"

// Tally is how far one broadcast came.
type Tally = tenant.Tally

// Report is what happened since the start or the last reset.
type Report struct {
	People    int `json:"people"`
	Installed int `json:"installed"`
	// Messages of the bot that were stored, of any kind.
	Messages int64 `json:"messages"`
	// Reached is how many people got at least one message.
	Reached int64 `json:"reached"`
	// Repeats sums, over people and broadcasts, the copies beyond the first.
	// Replies (POST to an activity) are no copies of a broadcast.
	Repeats int64 `json:"repeats"`
	Updates int64 `json:"updates"`
	Deletes int64 `json:"deletes"`
	// Requests and Throttled count by operation; Statuses by HTTP status, "0"
	// being a torn connection.
	Requests  map[string]int64 `json:"requests"`
	Throttled map[string]int64 `json:"throttled"`
	Statuses  map[string]int64 `json:"statuses"`
	// Peaks are the most requests in any one second, refused ones included.
	PeakPerSecond        int `json:"peak_per_second"`
	GraphPeakPerSecond   int `json:"graph_peak_per_second"`
	InstallPeakPerSecond int `json:"install_peak_per_second"`
	// Events are deliveries to the bot; pending ones are on their way.
	EventsSent    int64 `json:"events_sent"`
	EventsFailed  int64 `json:"events_failed"`
	EventsPending int   `json:"events_pending"`
	// Struck counts how often each injected fault struck, by Fault.Label.
	Struck map[string]int64 `json:"struck"`
	// ByBroadcast is keyed by channelData.broadcastId, or the first
	// "broadcastId" in the attachments (our cards carry one), or their hash.
	ByBroadcast map[string]Tally `json:"by_broadcast"`
}

// Report counts up to now.
func (s *Simulator) Report() Report {
	totals, m := s.world.Tenant.Totals(), s.world.Meter
	r := Report{
		People: s.world.Tenant.People(), Installed: s.world.Tenant.InstalledCount(),
		Messages: totals.Messages, Reached: totals.Reached, Repeats: totals.Repeats,
		Updates: totals.Updates, Deletes: totals.Deletes, ByBroadcast: totals.ByBroadcast,
		PeakPerSecond: m.Connector.Most(), GraphPeakPerSecond: m.Graph.Most(), InstallPeakPerSecond: m.Install.Most(),
		EventsSent: m.EventsSent.Load(), EventsFailed: m.EventsFailed.Load(), EventsPending: s.bot.Pending(),
		Struck: s.world.Dials.Struck(),
	}
	r.Requests, r.Throttled, r.Statuses = m.Counts()
	return r
}

// ResetReport sets all counters to zero; chats and installations stay.
func (s *Simulator) ResetReport() {
	s.world.Tenant.ResetTotals()
	s.world.Meter.Reset()
	s.world.Dials.ResetStruck()
}
