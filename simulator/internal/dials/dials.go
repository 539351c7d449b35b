package dials

import (
	"maps"
	"slices"
)

// Dials are the knobs of the simulator. Field names in JSON are the names used
// by GET and POST /_simulator/dials. All "per mille" values run from 0 to 1000
// and may be fractional.
type Dials struct {
	// ConnectorRate is the number of Connector requests per second and tenant,
	// counted over all operations in a strict sliding second (protocol E.1, K
	// row 24). 0 is unlimited.
	ConnectorRate int `json:"connector_rate"`
	// ConnectorCountsRefused: requests answered 429 count against the rate too,
	// so that only silence helps. Microsoft does not say; off by default.
	ConnectorCountsRefused bool `json:"connector_counts_refused"`
	// ThreadLimits switches the limits of one conversation: 7 in 1 s, 8 in 2 s,
	// 60 in 30 s, 1800 in an hour for sending and for creating, the double for
	// reading members and channels (protocol E.1, K row 24).
	ThreadLimits bool `json:"thread_limits"`
	// GraphInstallRate is the number of POST installedApps per second (protocol
	// F.7). GET follows it 1:1, DELETE with a half; over 30 seconds 83 % of it
	// is allowed. 0 is unlimited for all of them.
	GraphInstallRate int `json:"graph_install_rate"`
	// GraphCountsRefused: requests to Graph that were answered 429 count against
	// its limits too (protocol F.7).
	GraphCountsRefused bool `json:"graph_counts_refused"`
	// GraphResourceUnits is the budget of the directory's endpoints in resource
	// units per 10 seconds (protocol G.4, K row 18): 3500, 5000 or 8000 by the
	// size of the organisation. 0 is unlimited.
	GraphResourceUnits int `json:"graph_resource_units"`
	// RetryAfterMissingPerMille is how many 429 answers come without a
	// Retry-After header (protocol E.2, K row 24).
	RetryAfterMissingPerMille float64 `json:"retry_after_missing_per_mille"`

	// LatencyMS and LatencyJitterMS delay every Connector answer, GraphLatencyMS
	// every Graph answer, in milliseconds.
	LatencyMS       int `json:"latency_ms"`
	LatencyJitterMS int `json:"latency_jitter_ms"`
	GraphLatencyMS  int `json:"graph_latency_ms"`

	// Kinds of people by number, per mille. The first 20 people are never
	// unlucky unless named in Person.
	GuestPerMille      float64 `json:"guest_per_mille"`
	DisabledPerMille   float64 `json:"disabled_per_mille"`
	UnlicensedPerMille float64 `json:"unlicensed_per_mille"`
	// RefusedPerMille: installation answers 403 because of a policy.
	RefusedPerMille float64 `json:"refused_per_mille"`
	// SilentPerMille: installed, but no event ever comes (protocol D.1).
	SilentPerMille float64 `json:"silent_per_mille"`
	// PreinstalledPerMille: installation answers 409 and no event comes.
	PreinstalledPerMille float64 `json:"preinstalled_per_mille"`
	// BlockedPerMille: the person blocked the bot; sends answer 403.
	BlockedPerMille float64 `json:"blocked_per_mille"`
	// RemovedPerMille: the person removes the bot right after it was installed.
	RemovedPerMille float64 `json:"removed_per_mille"`
	// ChatDeletedPerMille: the person deletes the chat just before the bot
	// writes to it for the first time. The old address answers 404
	// ConversationNotFound, create gives a new one that works (K row 26).
	ChatDeletedPerMille float64 `json:"chat_deleted_per_mille"`
	// Person names a misfortune by Entra ID: guest, disabled, unlicensed,
	// refused, silent, preinstalled, blocked, removed, chat_deleted, or none.
	Person map[string]string `json:"person"`

	// EventDelayMS is the upper bound of the delay of install events after
	// Graph's 201, in milliseconds.
	EventDelayMS int `json:"event_delay_ms"`
	// EventDuplicatePerMille: an event is delivered twice (protocol D.1).
	EventDuplicatePerMille float64 `json:"event_duplicate_per_mille"`
	// EventEarlyPerMille: the event arrives before Graph's 201 returns.
	EventEarlyPerMille float64 `json:"event_early_per_mille"`
	// EventNever: no install event is ever sent to anybody.
	EventNever bool `json:"event_never"`
	// EventTimeoutMS is how long the bot may take to answer; Teams gives 15 s.
	EventTimeoutMS int `json:"event_timeout_ms"`
	// EventTries is how often a failing delivery is tried; the third and later
	// tries carry a new activity ID (protocol B.6).
	EventTries int `json:"event_tries"`
	// EventRetryMS is the pause before a redelivery, in milliseconds.
	EventRetryMS int `json:"event_retry_ms"`

	// PublishedVersion is the app's newest version in the catalogue; raising it
	// leaves what is installed as it is, until somebody upgrades it.
	PublishedVersion string `json:"published_version"`
	// BotDisabledByAdmin: every Connector call answers 403 BotDisabledByAdmin.
	BotDisabledByAdmin bool `json:"bot_disabled_by_admin"`
	// NotificationOnly: sends go on after the app was removed (protocol D.2, K
	// row 33).
	NotificationOnly bool `json:"notification_only"`
	// ReadReceipts: the app has the RSC permission and people let it be told.
	ReadReceipts bool `json:"read_receipts"`
	// RejectGzip: Graph answers 415 to gzip bodies.
	RejectGzip bool `json:"reject_gzip"`
	// DeltaExpired: every delta token answers 410 with a Location (protocol G.1,
	// K row 17), also those of the full round that the Location begins.
	DeltaExpired bool `json:"delta_expired"`
	// DeltaGeneration: raising it expires all delta tokens given out before; a
	// full round works again at once.
	DeltaGeneration int `json:"delta_generation"`
	// DeltaExpiredStatus is how an expired token is answered: 0 or 410 with
	// syncStateNotFound and a Location, 400 to 409 with SyncStateInvalid and
	// without one.
	DeltaExpiredStatus int `json:"delta_expired_status"`
	// ServiceRegion is the region segment of the service URL in events; of
	// several, separated by commas, each event takes the next (K row 32).
	ServiceRegion string `json:"service_region"`
	// CreateServiceRegion, if set, makes create answer with another service URL
	// (K row 32).
	CreateServiceRegion string `json:"create_service_region"`

	// TokenLifetimeSeconds is the life of access tokens (protocol A.2); whoever
	// uses one longer gets 401 (K rows 4 and 31).
	TokenLifetimeSeconds int `json:"token_lifetime_seconds"`
	// AccessToken spoils the tokens that Entra gives to applications, so that
	// Connector and Graph refuse them: expired, wrong_aud, wrong_app or
	// bad_signature (K row 31). Empty is a good token.
	AccessToken string `json:"access_token"`
	// ClientSecretRotated makes the configured secrets stop working: Entra
	// answers invalid_client (K row 4).
	ClientSecretRotated bool `json:"client_secret_rotated"`
	// KeyGeneration: raising it rotates all signing keys; old ones disappear.
	KeyGeneration int `json:"key_generation"`
	// BotToken spoils the token of outgoing events: wrong_aud, wrong_iss,
	// expired, future, serviceurl, no_endorsement, alg_none, hs256, missing,
	// graph_token. Empty is a good token (protocol K row 7).
	BotToken string `json:"bot_token"`
	// SignIn spoils sign-in: wrong_tenant, no_roles, wrong_nonce, overage.
	SignIn string `json:"sign_in"`
	// RedirectURIs are the registered addresses of the sign-in client; none
	// means any absolute http(s) address.
	RedirectURIs []string `json:"redirect_uris"`

	// Fail is a list of injected faults, first match wins.
	Fail []Fault `json:"fail"`
	// ClockOffsetMS moves the simulator's clock.
	ClockOffsetMS int64 `json:"clock_offset_ms"`
}

// Default returns the dials of a tenant with ordinary bad luck.
func Default() Dials {
	return Dials{
		ConnectorRate: 50, ThreadLimits: true,
		GraphInstallRate: 30, GraphCountsRefused: true, GraphResourceUnits: 8000,
		RetryAfterMissingPerMille: 250,
		GuestPerMille:             12, DisabledPerMille: 8, UnlicensedPerMille: 10,
		RefusedPerMille: 5, SilentPerMille: 3, PreinstalledPerMille: 3,
		Person:       map[string]string{},
		EventDelayMS: 300, EventDuplicatePerMille: 50, EventEarlyPerMille: 5,
		EventTimeoutMS: 15_000, EventTries: 3, EventRetryMS: 1_000,
		ServiceRegion: "emea", TokenLifetimeSeconds: 3599, PublishedVersion: "1.0.0",
	}
}

func (d Dials) clone() Dials {
	d.Person = maps.Clone(d.Person)
	d.Fail = slices.Clone(d.Fail)
	d.RedirectURIs = slices.Clone(d.RedirectURIs)
	if d.Person == nil {
		d.Person = map[string]string{}
	}
	return d
}
