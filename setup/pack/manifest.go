package pack

import (
	"bytes"
	"cmp"
	"encoding/json"
)

// schemaVersion is old enough for tenants on slow rings and new enough for all we
// need (protocol I).
const schemaVersion = "1.25"

// manifest is what Microsoft reads, in the order of its documentation.
type manifest struct {
	Schema          string        `json:"$schema"`
	ManifestVersion string        `json:"manifestVersion"`
	Version         string        `json:"version"`
	ID              string        `json:"id"`
	Developer       developer     `json:"developer"`
	Name            wording       `json:"name"`
	Description     wording       `json:"description"`
	Icons           icons         `json:"icons"`
	AccentColor     string        `json:"accentColor"`
	Bots            []bot         `json:"bots"`
	StaticTabs      []tab         `json:"staticTabs"`
	Permissions     []string      `json:"permissions"`
	ValidDomains    []string      `json:"validDomains"`
	WebApplication  webApp        `json:"webApplicationInfo"`
	InstallScope    string        `json:"defaultInstallScope"`
	Authorization   authorization `json:"authorization,omitzero"`
}

type developer struct {
	Name       string `json:"name"`
	WebsiteURL string `json:"websiteUrl"`
	PrivacyURL string `json:"privacyUrl"`
	TermsURL   string `json:"termsOfUseUrl"`
}

type wording struct {
	Short string `json:"short"`
	Full  string `json:"full"`
}

type icons struct {
	Outline string `json:"outline"`
	Color   string `json:"color"`
}

type bot struct {
	BotID            string        `json:"botId"`
	Scopes           []string      `json:"scopes"`
	NotificationOnly bool          `json:"isNotificationOnly"`
	SupportsFiles    bool          `json:"supportsFiles"`
	CommandLists     []commandList `json:"commandLists"`
}

type commandList struct {
	Scopes   []string  `json:"scopes"`
	Commands []command `json:"commands"`
}

type command struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

type tab struct {
	EntityID   string   `json:"entityId"`
	Name       string   `json:"name"`
	ContentURL string   `json:"contentUrl"`
	WebsiteURL string   `json:"websiteUrl"`
	Scopes     []string `json:"scopes"`
}

type webApp struct {
	ID       string `json:"id"`
	Resource string `json:"resource"`
}

type authorization struct {
	Permissions permissions `json:"permissions,omitzero"`
}

// IsZero leaves the whole part out where nothing is consented to.
func (a authorization) IsZero() bool { return len(a.Permissions.ResourceSpecific) == 0 }

type permissions struct {
	ResourceSpecific []resourceSpecific `json:"resourceSpecific"`
}

type resourceSpecific struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// commands are the words the bot answers (broadcast/bot.go), for Teams to suggest.
var commands = []command{
	{"help", "What this app does, and the words it understands"},
	{"why", "Why you got the last announcement, and who sent it"},
	{"stop", "How to get fewer announcements, or none"},
}

// Manifest is the manifest.json of the app.
func (a App) Manifest() ([]byte, error) {
	if err := a.ready(); err != nil {
		return nil, err
	}
	m := manifest{
		Schema:          "https://developer.microsoft.com/json-schemas/teams/v" + schemaVersion + "/MicrosoftTeams.schema.json",
		ManifestVersion: schemaVersion, Version: a.Version, ID: a.ManifestID,
		Developer:   developer{a.Publisher, a.page(""), a.page(a.PrivacyURL), a.page(a.TermsURL)},
		Name:        wording{a.Name, cmp.Or(a.FullName, a.Name)},
		Description: wording{a.Description, cmp.Or(a.FullDescription, a.Description)},
		Icons:       icons{outlineFile, colorFile}, AccentColor: a.Accent,
		Bots: []bot{{
			BotID: a.BotID, Scopes: []string{"personal", "team"},
			CommandLists: []commandList{{Scopes: []string{"personal"}, Commands: commands}, {Scopes: []string{"team"}, Commands: commands[:1]}},
		}},
		StaticTabs:   []tab{{"fanfare", "Announcements", a.at(TabPath), a.page(""), []string{"personal"}}},
		Permissions:  []string{"identity", "messageTeamMembers"},
		ValidDomains: []string{a.PublicURL.Host},
		// "Self" permissions of Graph work because this ID is the calling app's (protocol F.1).
		WebApplication: webApp{a.BotID, "api://" + a.PublicURL.Host + "/" + a.BotID},
		InstallScope:   "personal",
	}
	for _, name := range a.Consent {
		m.Authorization.Permissions.ResourceSpecific = append(m.Authorization.Permissions.ResourceSpecific, resourceSpecific{name, "Application"})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(m)
	return out.Bytes(), err
}

// TabPath is the page Teams shows as the app's own tab.
const TabPath = "/tab"
