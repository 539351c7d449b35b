package graphinstall

import (
	"context"
	"net/http"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/fanfare/fanfare/broadcast"
	"github.com/fanfare/fanfare/graph"
)

// try installs the app for one person, or reads the chat of one who has it.
func (r *run) try(ctx context.Context, job broadcast.Installation) broadcast.InstallOutcome {
	if job.NeedsChat {
		return r.chat(ctx, job)
	}
	app, err := r.catalog.TeamsAppID(ctx)
	if err != nil {
		return r.failed(ctx, job, broadcast.AsFault(err))
	}
	asked := r.Now() // what was looked up before says nothing of an answer to what is asked now
	err = r.install(ctx, job.EntraID, app)
	switch status := graph.Status(err); {
	// A success whose body makes no sense is a success: there is nothing to read in it.
	case err == nil, status >= 200 && status < 300:
		r.succeeded()
		out := r.outcome(job)
		out.State, out.Attempts, out.NotBefore = broadcast.InstallationInstalled, 0, r.Now().Add(r.EventGrace)
		return out
	case status == http.StatusConflict:
		r.succeeded()
		job.Attempts = 0
		return r.chat(ctx, job)
	case status == http.StatusNotFound:
		return r.unknown(ctx, job, app, asked, broadcast.AsFault(err))
	}
	return r.failed(ctx, job, broadcast.AsFault(err))
}

// unknown is a 404 on install: of the app or of the person. The catalogue is
// asked first, because an app that is not there is everybody's trouble, and one
// that was published anew has another ID (protocol F.2).
func (r *run) unknown(ctx context.Context, job broadcast.Installation, app string, asked time.Time, f *broadcast.Fault) broadcast.InstallOutcome {
	now, err := r.catalog.Confirm(ctx, asked)
	if err != nil {
		return r.failed(ctx, job, broadcast.AsFault(err))
	}
	if now != app {
		out := r.later(job, f, 0)
		out.Attempts++
		return out
	}
	r.succeeded() // Graph works; this person is not there
	return r.refused(job, broadcast.ReasonNoTeams, f)
}

// appsOf is the SDK's builder for a person's installed apps.
func appsOf(g *graph.Client, id broadcast.EntraID) *users.ItemTeamworkInstalledAppsRequestBuilder {
	base := map[string]string{"baseurl": g.BaseURL()}
	return users.NewUsersRequestBuilderInternal(base, g.Adapter()).
		ByUserId(string(id)).Teamwork().InstalledApps()
}

func (i *Installer) install(ctx context.Context, id broadcast.EntraID, app string) error {
	body := models.NewUserScopeTeamsAppInstallation()
	body.SetAdditionalData(map[string]any{
		"teamsApp@odata.bind": i.Graph.Cloud() + "/v1.0/appCatalogs/teamsApps/" + app,
	})
	if len(i.Consent) > 0 {
		body.SetConsentedPermissionSet(consent(i.Consent))
	}
	return i.Graph.Do(ctx, func(ctx context.Context) error {
		_, err := appsOf(i.Graph, id).Post(ctx, body, nil)
		return err
	})
}

func consent(permissions []string) models.TeamsAppPermissionSetable {
	kind := models.APPLICATION_TEAMSAPPRESOURCESPECIFICPERMISSIONTYPE
	list := make([]models.TeamsAppResourceSpecificPermissionable, len(permissions))
	for i, p := range permissions {
		one := models.NewTeamsAppResourceSpecificPermission()
		one.SetPermissionValue(&p)
		one.SetPermissionType(&kind)
		list[i] = one
	}
	set := models.NewTeamsAppPermissionSet()
	set.SetResourceSpecificPermissions(list)
	return set
}

// chat finds the conversation of a person who has the app. Installations and
// chats have allowances of their own, at least as wide as that of installing
// (protocol F.7), so the one wait per person covers them.
func (r *run) chat(ctx context.Context, job broadcast.Installation) broadcast.InstallOutcome {
	job.State = broadcast.InstallationInstalled
	if at := r.opened(ctx, job, false); at != nil {
		return r.addressed(job, at)
	}
	id, err := r.chatID(ctx, job.EntraID)
	switch {
	case err == nil && id != "":
		r.succeeded()
		return r.addressed(job, &broadcast.ConversationReference{ServiceURL: r.ServiceURL, ConversationID: id})
	case err == nil:
		err = &broadcast.Fault{
			Class: broadcast.Permanent, Scope: broadcast.ScopeRecipient, Status: http.StatusNotFound,
			Code: "no_chat", Detail: "Graph lists no chat between this person and the app yet.",
		}
	}
	f := broadcast.AsFault(err)
	if f.Class == broadcast.Permanent && f.Scope == broadcast.ScopeRecipient {
		if at := r.opened(ctx, job, true); at != nil {
			return r.addressed(job, at)
		}
	}
	return r.noChat(ctx, job, f)
}

func (r *run) addressed(job broadcast.Installation, at *broadcast.ConversationReference) broadcast.InstallOutcome {
	out := r.outcome(job)
	out.Attempts, out.Address = 0, at
	return out
}

// opened is the chat as the Connector gives it, which is the very address that events
// tell; nil if it does not, because Graph has the last word on who has the app.
func (r *run) opened(ctx context.Context, job broadcast.Installation, anyhow bool) *broadcast.ConversationReference {
	if r.Open == nil {
		return nil
	}
	at, err := r.Open(ctx, job.EntraID, anyhow)
	if err != nil {
		r.Log.DebugContext(ctx, "the Connector did not open a chat", "person", job.EntraID, "cause", err)
		return nil
	}
	return &at
}

// chatID is "" when Graph knows no installation or no chat.
func (i *Installer) chatID(ctx context.Context, id broadcast.EntraID) (string, error) {
	list, err := installed(ctx, i.Graph, id, i.ManifestID, "teamsApp")
	for _, one := range list {
		if one.GetId() == nil {
			continue
		}
		var chat models.Chatable
		err := i.Graph.Do(ctx, func(ctx context.Context) (err error) {
			chat, err = appsOf(i.Graph, id).ByUserScopeTeamsAppInstallationId(*one.GetId()).Chat().Get(ctx, nil)
			return err
		})
		if err != nil || chat == nil || chat.GetId() == nil {
			return "", err
		}
		return *chat.GetId(), nil
	}
	return "", err
}
