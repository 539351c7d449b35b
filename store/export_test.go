package store

import (
	"regexp"
	"strings"

	"github.com/fanfare/fanfare/store/recipients"
)

// Tables are the row types, for the law that they equal the migrated columns.
func Tables() []any {
	return []any{
		broadcastRow{},
		tallyRow{},
		moveRow{},
		chunkRow{},
		recipients.DeliveryRow{},
		attemptRow{},
		haltRow{},
		lateCursorRow{},
		newcomerRow{},
	}
}

// Hot are the statements that run for every chunk, with parameters $1, $2 and so on.
// PostgreSQL writes outcomes with one statement, SQLite with one for each row.
func Hot(postgres bool) map[string]string {
	write := strings.Replace(storeOutcomes+storeReady, "@rows", `(SELECT g AS id, '' AS state, '' AS reason, '' AS code, '' AS detail, 0 AS attempts, 0 AS not_before, '' AS activity_id, FALSE AS maybe_sent, 0 AS at
		FROM unnest(CAST($5 AS bigint[])) AS g) AS r`, 1)
	if !postgres {
		write = regexp.MustCompile(`\br\.\w+`).ReplaceAllString(strings.Replace(storeOutcomes+storeReady, "FROM @rows", "", 1), "$$5")
	}
	return map[string]string{"next": nextChunk, "ready": readyInChunk(postgres, false), "spoken": readyInChunk(postgres, true), "release": releaseChunk, "store": write}
}

// FreeSeats is what the sweep asks every second.
func FreeSeats() string {
	return strings.NewReplacer("@tenant", "$1", "@now", "$2", "@seats", "8").Replace(freeSeats)
}
