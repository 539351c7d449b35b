package directory

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

// managersError is that people were read, and who reports to whom was not.
type managersError struct{ err error }

func (e *managersError) Error() string {
	return "directory: reading who reports to whom: " + e.err.Error()
}
func (e *managersError) Unwrap() error { return e.err }

// problemOf is why a sync failed, in a sentence that says what an administrator
// can do; "" if it did not. Microsoft's own words stay in the log.
func problemOf(err error) string {
	if err == nil {
		return ""
	}
	problem := sentence(err)
	var managers *managersError
	if errors.As(err, &managers) {
		return "People were read, but not who reports to whom. " + problem
	}
	return problem
}

func sentence(err error) string {
	var f *broadcast.Fault
	if e := broadcast.AsError(err); e != nil {
		return e.Message
	}
	if !errors.As(err, &f) {
		return "Reading the directory broke off in Fanfare or its database, not at Microsoft. The log says why; it is tried again by itself."
	}
	switch {
	case f.Class == broadcast.Throttled:
		return "Microsoft Graph asked Fanfare to slow down. Nothing to do: reading goes on by itself."
	case f.Code == graph.CodeToken && f.Class == broadcast.Permanent, f.Status == 401:
		return "Microsoft refused Fanfare's credential. Renew the bot's secret or certificate in the configuration and check the tenant's ID."
	case f.Status == 403:
		return "Microsoft Graph does not let Fanfare read the directory. Grant the app the permission User.Read.All and consent to it in Entra."
	case f.Class == broadcast.Transient:
		return "Microsoft Graph did not answer as it should. Nothing to do at once: Fanfare tries again by itself. If it lasts, look at the network, its proxy and Microsoft's service health."
	case graph.MustResync(err):
		return "Microsoft Graph forgot again and again where reading stood. Fanfare begins anew by itself; if it lasts, ask Microsoft's support."
	}
	return fmt.Sprintf("Microsoft Graph refused to tell the directory (status %d, %s). The log has its words; the app's permissions are the first thing to check.",
		f.Status, cmp.Or(f.Code, "no code"))
}
