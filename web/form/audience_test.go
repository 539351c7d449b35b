package form

import (
	"net/url"
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/broadcast/audience"
)

var (
	news  = audience.Part{Kind: audience.Channel, ID: "19:news@thread.tacv2", Name: "Ops › News"}
	sales = audience.Part{Kind: audience.Group, ID: "60000000-0000-4000-8000-00000000ab1e", Name: "Sales"}
)

// Who switches to everyone means no group any more; a channel stays, because it is posted
// in beside everyone. Also for people without script.
func TestEveryoneKeepsItsChannels(t *testing.T) {
	t.Parallel()
	f := ReadDraft(url.Values{"audience": {"everyone"}, "include": {PartValue(sales), PartValue(news), PartValue(news)}}, "")
	both := audience.Of(broadcast.Everyone().Include[0], news)
	if got := f.Audience; got.Words() != both.Words() || len(f.Chosen()) != 1 {
		t.Errorf("%s, chosen %v", got.Words(), f.Chosen())
	}
	for _, step := range []struct{ do, want string }{
		{"include:" + PartValue(news), "Everyone, Channel Ops › News"},
		{"include:" + PartValue(sales), "Channel Ops › News, Sales"},
		{"drop-include:" + news.Key(), "Sales"},
		{"include:" + PartValue(news), "Sales, Channel Ops › News"},
	} {
		f.Do = step.do
		if !f.Rearrange() || f.Audience.Words() != step.want {
			t.Errorf("%.12s makes it %q, want %q", step.do, f.Audience.Words(), step.want)
		}
	}
}
