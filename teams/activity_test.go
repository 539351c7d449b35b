package teams

import (
	"testing"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/google/go-cmp/cmp"
)

// common is what the activities of protocol D share.
const common = `"channelId":"msteams","serviceUrl":"https://smba.trafficmanager.net/emea/t/",
 "from":{"id":"29:ada","aadObjectId":"0B1EC700-0001-4000-8000-00000000a11c"},
 "recipient":{"id":"28:bot","name":"Newsroom"},
 "conversation":{"conversationType":"personal","tenantId":"T1","id":"a:1"},
 "channelData":{"tenant":{"id":"T1"}}`

func read(t *testing.T, body string) *Activity {
	t.Helper()
	a, err := ParseActivity([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return a
}

func TestActivitiesAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want Kind
	}{
		"D.1 bot in the list":     {`{"type":"conversationUpdate","membersAdded":[{"id":"28:bot"}],` + common + `}`, BotAdded},
		"D.1 person in the list":  {`{"type":"conversationUpdate","membersAdded":[{"id":"29:ada","aadObjectId":"0b1e"}],` + common + `}`, BotAdded},
		"D.1 person deleted":      {`{"type":"conversationUpdate","membersRemoved":[{"id":"29:ada"}],` + common + `}`, BotRemoved},
		"D.1 nothing":             {`{"type":"conversationUpdate",` + common + `}`, Other},
		"D.2 add":                 {`{"type":"installationUpdate","action":"Add",` + common + `}`, BotAdded},
		"D.2 add-upgrade":         {`{"type":"installationUpdate","action":"add-upgrade",` + common + `}`, BotAdded},
		"D.2 remove-upgrade":      {`{"type":"installationUpdate","action":"remove-upgrade",` + common + `}`, Other},
		"D.2 remove":              {`{"type":"installationUpdate","action":"remove",` + common + `}`, BotRemoved},
		"D.2 unknown":             {`{"type":"installationUpdate","action":"archive",` + common + `}`, Other},
		"D.3 team":                {`{"type":"conversationUpdate","membersAdded":[{"id":"28:bot"}],"conversation":{"conversationType":"channel","id":"19:x@thread.tacv2"}}`, Other},
		"D.2 team":                {`{"type":"installationUpdate","action":"remove","conversation":{"isGroup":true,"id":"a:x"}}`, Other},
		"no type, opaque ID":      {`{"type":"installationUpdate","action":"add","conversation":{"id":"a:1"}}`, BotAdded},
		"no type, Graph's ID":     {`{"type":"installationUpdate","action":"add","conversation":{"id":"19:u_b@unq.gbl.spaces"}}`, BotAdded},
		"D.4 message":             {`{"type":"message","text":"help",` + common + `}`, Said},
		"D.4 edited":              {`{"type":"messageUpdate","text":"help",` + common + `}`, Other},
		"D.5 reaction":            {`{"type":"messageReaction","reactionsAdded":[{"type":"like"}],` + common + `}`, Other},
		"D.6 submit":              {`{"type":"message","value":{"verb":"why","broadcastId":"b1"},` + common + `}`, Acted},
		"D.6 null value":          {`{"type":"message","text":"x","value":null,` + common + `}`, Said},
		"D.6 execute":             {`{"type":"invoke","name":"adaptiveCard/action","value":{"action":{"verb":"why","data":{"broadcastId":"b1"}}},` + common + `}`, Acted},
		"D.7 another invoke":      {`{"type":"invoke","name":"task/fetch",` + common + `}`, Other},
		"D.7 something new":       {`{"type":"holographicUpdate","shape":[1,{"a":2}],` + common + `}`, Other},
		"D.8 read receipt":        {`{"type":"event","name":"application/vnd.microsoft.readReceipt","value":{"lastReadMessageId":"1"},` + common + `}`, Other},
		"K.10 fields in disguise": {`{"type":"message","text":{"not":"text"},"value":"a string","membersAdded":{},"entities":7,"channelData":[],"conversation":{"id":"a:1"}}`, Acted},
		"byte order mark":         {"\xef\xbb\xbf" + ` {"type":"message","text":"x"} `, Said},
	} {
		if got := read(t, c.body).Kind(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestThePersonAndTheirAddressAreFoundInBothSpellings(t *testing.T) {
	t.Parallel()
	a := read(t, `{"type":"conversationUpdate","membersAdded":[{"id":"28:bot"}],`+common+`}`)
	id, account := a.Person()
	if id != "0b1ec700-0001-4000-8000-00000000a11c" || account != "29:ada" {
		t.Errorf("person %q, %q", id, account)
	}
	want := broadcast.ConversationReference{ServiceURL: "https://smba.trafficmanager.net/emea/t/", ConversationID: "a:1", ChannelAccountID: "29:ada"}
	if diff := cmp.Diff(want, a.Reference()); diff != "" {
		t.Error(diff)
	}
	a = read(t, `{"type":"conversationUpdate","from":{"id":"28:bot"},"recipient":{"id":"28:bot"},"membersAdded":[{"id":"28:bot","aadObjectId":"b"},{"id":"29:bo","objectId":"AB"}]}`)
	if id, account := a.Person(); id != "ab" || account != "29:bo" {
		t.Errorf("person %q, %q", id, account)
	}
	if diff := cmp.Diff([]string{"T1", "T2"}, read(t, `{"type":"x","conversation":{"tenantId":"T2"},"channelData":{"tenant":{"id":"T1"}}}`).Tenants()); diff != "" {
		t.Error(diff)
	}
}

func TestAPressNamesVerbAndBroadcast(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Act{
		`{"type":"invoke","name":"adaptiveCard/action","value":{"action":{"type":"Action.Execute","verb":"why","data":{"broadcastId":"b1"}},"trigger":"manual"}}`: {"why", "b1", true},
		`{"type":"message","value":{"verb":"why","broadcastId":"b1"}}`:                                                                                            {"why", "b1", false},
	} {
		if got, ok := read(t, body).Act(); !ok || got != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
	for _, body := range []string{
		`{"type":"message","text":"why"}`, `{"type":"message","value":"why"}`, `{"type":"message","value":{"other":1}}`,
		`{"type":"invoke","name":"adaptiveCard/action","value":7}`, `{"type":"invoke","name":"adaptiveCard/action"}`,
	} {
		if got, ok := read(t, body).Act(); ok {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestCommandsAreReadWithoutMentions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Help": "help", "  WHY  now ": "why now", "<at>Newsroom</at> help": "help", "<at>a</at><at>b</at>stop": "stop",
		"<at>open": "<at>open", "</at>x<at>": "</at>x<at>", "": "",
	} {
		if got := (&Activity{Text: text}).Command(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNoActivityIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "[]", `"x"`, "7", "{", `{"type":"message"} x`, `{"text":"no type"}`, `{"type":7}`, "<html>"} {
		if a, err := ParseActivity([]byte(body)); err == nil {
			t.Errorf("%q became %+v", body, a)
		}
	}
}

// FuzzParseActivity: whatever is posted, reading it ends in an activity or an error.
func FuzzParseActivity(f *testing.F) {
	for _, s := range []string{
		`{"type":"message","value":{"verb":"why"},` + common + `}`, `{"type":"invoke","name":"adaptiveCard/action","value":{"action":{}}}`,
		`{"type":"conversationUpdate","membersAdded":[null,{}],"from":null}`, `{"TYPE":"x","type":1}`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := ParseActivity(body)
		if err != nil {
			return
		}
		if a.Type == "" {
			t.Error("an activity without a type")
		}
		_, _ = a.Act()
		_, _, _, _ = a.Kind(), a.Reference(), a.Tenants(), a.Command()
		if (Token{}).CheckActivity(a) == nil {
			t.Error("believed without a token")
		}
	})
}
