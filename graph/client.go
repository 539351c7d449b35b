package graph

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go-core/authentication"
)

// PublicCloud is Graph's name for itself in the public cloud.
const PublicCloud = "https://graph.microsoft.com"

// Options is what a Client is made of.
type Options struct {
	// Credential gets the tokens. One credential is shared by the whole process,
	// because its cache of tokens lives in it.
	Credential azcore.TokenCredential
	// BaseURL is where Graph is reached, with the version: https://graph.microsoft.com/v1.0
	// (the default). Plain http is allowed for loopback addresses only.
	BaseURL string
	// Cloud is Graph's name for itself in this cloud, without a version. Tokens are
	// asked for it and bindings name it, even where BaseURL is a simulator (protocol
	// F.3). Default: the host of BaseURL if that is Microsoft's, else PublicCloud.
	Cloud string
	// Transport carries proxy and trusted CAs; nil for the standard one.
	Transport http.RoundTripper
	Timeout   time.Duration // of one call; default 60 s
	Now       func() time.Time
	Log       *slog.Logger
}

// Client calls Graph. It is safe for concurrent use and has no state but its
// connections.
type Client struct {
	adapter *core.GraphRequestAdapterBase
	base    string
	cloud   string
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// New makes a Client. It makes no call.
func New(o Options) (*Client, error) {
	if o.Credential == nil {
		return nil, errors.New("graph: a credential is needed")
	}
	o = o.withDefaults()
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Cloud == "" {
		o.Cloud = cloudOf(base)
	}
	auth, err := authentication.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(
		marked{o.Credential}, []string{o.Cloud + "/.default"}, []string{base.Hostname()})
	if err != nil {
		return nil, fmt.Errorf("graph: authentication: %w", err)
	}
	adapter, err := newAdapter(auth, base, o)
	if err != nil {
		return nil, err
	}
	return &Client{adapter: adapter, base: base.String(), cloud: o.Cloud, timeout: o.Timeout, now: o.Now, log: o.Log}, nil
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = PublicCloud + "/v1.0"
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = defaultTransport()
	}
	o.Cloud = strings.TrimSuffix(o.Cloud, "/")
	return o
}

// defaultTransport keeps a connection for each of some dozens of workers where
// Graph is not reached by HTTP/2.
func defaultTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t := standard.Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}

func parseBase(raw string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("graph: %q is not an address such as %s/v1.0", raw, PublicCloud)
	}
	loopback := base.Hostname() == "localhost"
	if ip := net.ParseIP(base.Hostname()); ip != nil {
		loopback = ip.IsLoopback()
	}
	if base.Scheme != "https" && !(base.Scheme == "http" && loopback) {
		return nil, fmt.Errorf("graph: %q must be https, because a token travels with every call", raw)
	}
	return base, nil
}

// cloudOf is the cloud a base URL of Microsoft's belongs to (protocol A.4).
func cloudOf(base *url.URL) string {
	switch host := base.Hostname(); host {
	case "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn":
		return "https://" + host
	}
	return PublicCloud
}

// newAdapter builds the SDK's adapter from its parts. The default client would
// compress, redirect and retry behind our back, its retry of a POST is broken
// (protocol G.5), and the order of its middleware changes with each start; the
// explicit list cannot.
func newAdapter(auth *authentication.AzureIdentityAuthenticationProvider, base *url.URL, o Options) (*core.GraphRequestAdapterBase, error) {
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return kjson.NewJsonSerializationWriterFactory()
	})
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory {
		return kjson.NewJsonParseNodeFactory()
	})
	client := &http.Client{
		Transport: khttp.NewCustomTransportWithParentTransport(
			&wall{next: o.Transport, scheme: base.Scheme, host: base.Host, now: o.Now},
			core.NewGraphTelemetryHandler(&core.GraphClientOptions{}),
			khttp.NewParametersNameDecodingHandler(),
		),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	adapter, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		auth, core.GraphClientOptions{}, nil, nil, client)
	if err != nil {
		return nil, fmt.Errorf("graph: adapter: %w", err)
	}
	adapter.SetBaseUrl(base.String())
	return adapter, nil
}

// Adapter is the SDK's adapter, for the SDK's request builders. Calls made with it
// must run inside Do.
func (c *Client) Adapter() abstractions.RequestAdapter { return c.adapter }

// BaseURL is where Graph is reached, without a slash at the end.
func (c *Client) BaseURL() string { return c.base }

// Cloud is Graph's name for itself, for bindings: Cloud() + "/v1.0/…".
func (c *Client) Cloud() string { return c.cloud }
