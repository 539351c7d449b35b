package window_test

import (
	"net/http"
	"testing"
)

// What the bot posts in a channel is seen there; a deleted thread stays as a gap.
func TestChannelsShowWhatWasPostedInThem(t *testing.T) {
	t.Parallel()
	b, window := startSimulator(t)
	w := open(t, window+"/channels")
	w.until(`document.querySelector(".banner .other").pathname === "/teams"`)
	const news = "19:examplenews0001@thread.tacv2"
	section := `[data-channel="` + news + `"]`
	w.sees(section, "Berlin Office › News")
	w.sees(section, "Nothing was posted here.")
	w.sees("#channels", "The bot is not in this team.")
	for _, text := range []string{"First **things** first.", "And then."} {
		if status := b.sends(news, map[string]any{"type": "message", "text": text}); status != http.StatusCreated {
			t.Fatalf("posting: %d", status)
		}
	}
	w.until(`document.querySelector('` + section + ` .thread')?.innerText.includes("And then.")`)
	w.sees(section+" .thread:last-child strong", "things")
	if status := b.sends(news+";messageid=1", map[string]any{"type": "message", "text": "By the way."}); status != http.StatusCreated {
		t.Fatalf("replying: %d", status)
	}
	w.sees(section+" .thread.reply", "By the way.")
	w.shoot("channels")
	chats := open(t, window)
	chats.until(`document.querySelector(".banner .other").pathname === "/teams/channels"`)
}
