package server

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/fanfare/fanfare/graph"
	"github.com/fanfare/fanfare/teams"
)

// outside is what is needed to speak to Microsoft at all: whom to trust, who we are.
type outside struct {
	config *Config
	roots  *x509.CertPool
	client *http.Client
	hosts  teams.HostList
	// The bot's credential, and the one for Graph: the same unless the bot's token
	// comes from another tenant.
	bot, people azcore.TokenCredential
}

// outside prepares it. Nothing is called yet.
func (c *Config) outside() (*outside, error) {
	o, err := c.strangers()
	if err != nil {
		return nil, err
	}
	return o, o.introduce()
}

// strangers is the outside without a credential.
func (c *Config) strangers() (*outside, error) {
	roots, err := trusted(c.CAFile)
	if err != nil {
		return nil, err
	}
	hosts, err := teams.ParseHostList(append(append([]string{}, c.ServiceHosts...), c.PlainHTTP...))
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: teams.NewTransport(c.Workers*8, roots), Timeout: 30 * time.Second}
	return &outside{config: c, roots: roots, hosts: hosts, client: client}, nil
}

// introduce makes the credentials, with no token in them yet.
func (o *outside) introduce() (err error) {
	c := o.config
	if o.bot, err = c.credential(c.Credential.Tenant, o.client); err != nil {
		return err
	}
	if o.people = o.bot; c.Credential.Tenant != c.TenantID {
		o.people, err = c.credential(c.TenantID, o.client)
	}
	return err
}

// graph is a way to Graph with that credential.
func (o *outside) graph() (*graph.Client, error) {
	return graph.New(graph.Options{Credential: o.people, BaseURL: o.config.GraphURL.String(), Transport: o.client.Transport, Now: time.Now})
}

// token gives tokens of a credential for a scope.
func token(credential azcore.TokenCredential, scope string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		got, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		return got.Token, err
	}
}
