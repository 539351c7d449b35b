package shape

import (
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare/fanfare/broadcast/message"
)

// TestAMessageIsReadAsItWasWritten, to the difference between no buttons and an empty
// list of them, which an approved hash knows.
func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	button := []message.Button{{Title: "More", URL: "https://x.example"}}
	for name, m := range map[string]message.Message{
		"none":  {Title: "T"},
		"empty": {Title: "T", Buttons: []message.Button{}},
		"spoken": {
			Title: "T", Body: "B", ImageURL: "I", ImageAlt: "A", Buttons: button,
			Variants: []message.Variant{{Locale: "de", Title: "t", Body: "b", ImageURL: "i", ImageAlt: "a", Buttons: button}, {Locale: "fr", Title: "x"}},
		},
	} {
		raw, err := WriteMessage(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadMessage(raw)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if len(m.Variants) == 0 && strings.Contains(raw, "variants") {
			t.Errorf("%s: %s", name, raw)
		}
	}
}
