package server

import (
	"fmt"
	"os"

	"github.com/fanfare/fanfare/setup/pack"
)

// App is how Fanfare looks in Teams: what the app package says of it.
type App struct {
	Name, FullName, Description, FullDescription, Publisher string
	PrivacyURL, TermsURL                                    string
	Accent, Version                                         string
	ColorFile, OutlineFile                                  string

	color, outline []byte // what is in the files
}

var appSettings = []setting{
	text("FANFARE_APP_NAME", "Fanfare", "the app's name in Teams, at most 30 characters", func(c *Config) *string { return &c.App.Name }),
	text("FANFARE_APP_FULL_NAME", "", "its full name, at most 100 characters; the name if empty", func(c *Config) *string { return &c.App.FullName }),
	text("FANFARE_APP_DESCRIPTION", "Announcements of your organisation, in your chat", "what it does, at most 80 characters", func(c *Config) *string { return &c.App.Description }),
	text("FANFARE_APP_FULL_DESCRIPTION", "", "the same at length, at most 4000 characters; the description if empty", func(c *Config) *string { return &c.App.FullDescription }),
	text("FANFARE_APP_PUBLISHER", "Your IT department", "who is named as its developer, at most 32 characters", func(c *Config) *string { return &c.App.Publisher }),
	text("FANFARE_APP_PRIVACY_URL", "", "your privacy notice; the public address if empty", func(c *Config) *string { return &c.App.PrivacyURL }),
	text("FANFARE_APP_TERMS_URL", "", "your terms of use; the public address if empty", func(c *Config) *string { return &c.App.TermsURL }),
	text("FANFARE_APP_ACCENT", "#4F6BED", "the colour behind the icon, #RRGGBB", func(c *Config) *string { return &c.App.Accent }),
	text("FANFARE_APP_COLOR_ICON_FILE", "", "a PNG of 192×192 pixels; Fanfare's own horn if empty", func(c *Config) *string { return &c.App.ColorFile }),
	text("FANFARE_APP_OUTLINE_ICON_FILE", "", "a PNG of 32×32 pixels, white on transparent; Fanfare's own if empty", func(c *Config) *string { return &c.App.OutlineFile }),
	text("FANFARE_APP_VERSION", "1.0.0", "the package's version; raise it with every upload", func(c *Config) *string { return &c.App.Version }),
}

// appSetting is which setting a field of the package comes from.
var appSetting = map[string]string{
	"Name": "FANFARE_APP_NAME", "FullName": "FANFARE_APP_FULL_NAME", "Description": "FANFARE_APP_DESCRIPTION", "FullDescription": "FANFARE_APP_FULL_DESCRIPTION",
	"Publisher": "FANFARE_APP_PUBLISHER", "PrivacyURL": "FANFARE_APP_PRIVACY_URL", "TermsURL": "FANFARE_APP_TERMS_URL", "Accent": "FANFARE_APP_ACCENT",
	"Version": "FANFARE_APP_VERSION", "ColorIcon": "FANFARE_APP_COLOR_ICON_FILE", "OutlineIcon": "FANFARE_APP_OUTLINE_ICON_FILE", "Consent": "FANFARE_RSC_PERMISSIONS",
}

// checkApp reads the icons, and names every mistake in how the app is to look.
func (c *Config) checkApp() []error {
	var problems []error
	for _, icon := range []struct {
		name, file string
		into       *[]byte
	}{
		{"FANFARE_APP_COLOR_ICON_FILE", c.App.ColorFile, &c.App.color},
		{"FANFARE_APP_OUTLINE_ICON_FILE", c.App.OutlineFile, &c.App.outline},
	} {
		if icon.file == "" {
			continue
		}
		raw, err := os.ReadFile(icon.file)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s cannot be read: %w", icon.name, err))
			continue
		}
		*icon.into = raw
	}
	for _, p := range c.teamsApp().Check() {
		problems = append(problems, fmt.Errorf("%s %s", appSetting[p.Field], p.Text))
	}
	return problems
}

// teamsApp is the app a package is made of. Its IDs are the very ones the bot, Graph
// and the sign-in use.
func (c *Config) teamsApp() pack.App {
	a := c.App
	return pack.App{
		ManifestID: c.ManifestID, BotID: c.BotID, PublicURL: c.PublicURL, Version: a.Version,
		Name: a.Name, FullName: a.FullName, Description: a.Description, FullDescription: a.FullDescription, Publisher: a.Publisher,
		PrivacyURL: a.PrivacyURL, TermsURL: a.TermsURL, Accent: a.Accent, Consent: c.consent(), ColorIcon: a.color, OutlineIcon: a.outline,
	}
}

// consent is the resource-specific permissions of the package, which installing it
// consents to: Graph refuses an installation that consents to others (protocol F.3).
func (c *Config) consent() []string {
	if len(c.RSC) == 1 && c.RSC[0] == "none" {
		return nil
	}
	return c.RSC
}
