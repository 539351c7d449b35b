package fanout

import (
	"net/http"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

// A delivery to a channel starts a thread there (protocol C.2). It comes with its
// address, which is the channel itself: nothing is opened for it, and no answer says
// anything of a person's bot.

// toChannel tells whether a delivery is to a channel.
func toChannel(d *broadcast.Delivery) bool { return audience.IsChannel(string(d.EntraID)) }

// channelFault is what a permanent fault means in a channel, where nobody has blocked or
// removed anything against us: the bot is not in the team, or the channel is gone.
func (r *chunkRun) channelFault(f *broadcast.Fault, d *broadcast.Delivery, out *broadcast.Outcome) {
	why := f.Reason
	switch {
	case f.Status == http.StatusNotFound && r.changes():
		r.gone(d, out)
		return
	case f.Reason == broadcast.ReasonRemoved, f.Reason == broadcast.ReasonBlocked:
		why = broadcast.ReasonNotInTeam
	case f.NoAddress:
		why = broadcast.ReasonChannelGone
	case f.Reason == broadcast.ReasonBadAddress, f.Reason == "":
		why = broadcast.ReasonRejected
	}
	r.fail(f, out, why)
}
