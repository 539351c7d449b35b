package setup

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/fanfare/fanfare/upkeep"
)

func (d *Desk) appPackage(context.Context) Finding {
	version, err := d.o.Package()
	if err != nil {
		return warn("No app package can be made: "+plain(err)+".", "Correct what it says, usually FANFARE_PUBLIC_URL.")
	}
	return ok("Version " + version + " can be made: download it here, or by “fanfare package”.")
}

const upload = "Upload the package in the Teams admin centre under Teams apps → Manage apps."

// catalogue looks whether what we would install is there, and the newest.
func (d *Desk) catalogue(ctx context.Context) Finding {
	apps, err := d.apps(ctx)
	if err != nil {
		f := d.refused(err, "AppCatalog.Read.All")
		if f.State == Failed {
			f.State, f.Cause, f.Remedy = Unknown, "The catalogue cannot be read.", "Mend what stands under “App catalogue” first."
		}
		return f
	}
	side := false
	for _, a := range apps {
		if strings.EqualFold(a.Method, "sideloaded") { // Graph cannot install it for others
			side = true
			continue
		}
		return d.published(a)
	}
	if side {
		return fail("The app is only side-loaded: nobody can install it for others.", upload)
	}
	return fail("The organisation’s catalogue has no app with the ID "+d.o.ManifestID+" (FANFARE_MANIFEST_ID).", upload+" If it is there under another ID, correct FANFARE_MANIFEST_ID.")
}

func (d *Desk) published(a entry) Finding {
	where := "in the organisation’s catalogue"
	if strings.EqualFold(a.Method, "store") {
		where = "in the Teams store"
	}
	ours, err := d.o.Package()
	theirs := a.version()
	switch {
	case theirs == "":
		return ok(fmt.Sprintf("“%s” is %s; its version cannot be seen.", a.Name, where))
	case err != nil || theirs == ours:
		return ok(fmt.Sprintf("“%s” is %s, in version %s.", a.Name, where, theirs))
	case upkeep.Older(theirs, ours):
		return warn(fmt.Sprintf("“%s” is %s in version %s; this Fanfare makes version %s.", a.Name, where, theirs, ours), "Upload the new package to the same app in the Teams admin centre (“Upload file” on the app’s page).")
	}
	return warn(fmt.Sprintf("“%s” is %s in version %s, which is newer than the %s this Fanfare makes.", a.Name, where, theirs, ours), "Set FANFARE_APP_VERSION to a higher version before the next upload.")
}

func (d *Desk) connectorToken(ctx context.Context) Finding {
	if _, err := d.lines.ConnectorToken(ctx); err != nil {
		return noToken(err)
	}
	return ok("Entra ID gives the bot a token to send messages with.")
}

// connectorKeys reads what tells Teams' own messages from forged ones (protocol B.1).
func (d *Desk) connectorKeys(ctx context.Context) Finding {
	host := d.o.MetadataURL.Host
	remedy := "Let this machine reach " + host + " by https, and look at FANFARE_CONNECTOR_METADATA_URL. Without the keys nothing people do in Teams is taken in."
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := d.read(ctx, d.o.MetadataURL.String(), &metadata); err != nil {
		return fail("The metadata of Teams’ keys cannot be read at "+host+": "+plain(err)+".", remedy)
	}
	var keys struct {
		Keys []struct {
			Endorsements []string `json:"endorsements"`
		} `json:"keys"`
	}
	if u, err := url.Parse(metadata.Keys); err != nil || u.Scheme != "https" {
		return fail("The metadata at "+host+" names no address of keys.", remedy)
	}
	if err := d.read(ctx, metadata.Keys, &keys); err != nil {
		return fail("Teams’ keys cannot be read: "+plain(err)+".", remedy)
	}
	if len(keys.Keys) == 0 {
		return fail("There are no keys at the address the metadata names.", remedy)
	}
	return ok(fmt.Sprintf("%d keys can be read.", len(keys.Keys)))
}

func (d *Desk) serviceHosts(context.Context) Finding {
	if err := d.o.Allow(d.o.FallbackURL); err != nil {
		return fail("FANFARE_CONNECTOR_URL is not on the list of hosts the bot’s token may be sent to.", "Correct FANFARE_CONNECTOR_URL or FANFARE_SERVICE_HOSTS: people of whom no event came cannot be written to.")
	}
	if len(d.o.Unusual) > 0 {
		return warn("The bot’s token may be sent to hosts that are not Microsoft’s: "+strings.Join(d.o.Unusual, ", ")+".", "That is right with the simulator. Otherwise take them out of FANFARE_SERVICE_HOSTS and FANFARE_PLAIN_HTTP_HOSTS: whoever has the token can write to everybody.")
	}
	return ok("The bot’s token is sent to Microsoft’s hosts only.")
}
