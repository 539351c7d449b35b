package river

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRiversTroubleIsToldNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := quiet(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))).With("lane", "send").WithGroup("river")
		for range 4 {
			for range 50 {
				log.Info("started")
				log.Error("the database is gone")
				log.Warn("slow")
			}
			<-time.After(sameAgain / 2)
		}
		for text, want := range map[string]int{"started": 0, "the database is gone": 2, "slow": 2} {
			if n := strings.Count(out.String(), text); n != want {
				t.Errorf("%q is told %d times, want %d:\n%s", text, n, want, out.String())
			}
		}
		if !strings.Contains(out.String(), "lane=send") {
			t.Errorf("whose trouble it is, is lost: %s", out.String())
		}
	})
}
