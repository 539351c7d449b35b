package server

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// trusted is the system's certificate authorities plus the configured ones.
func trusted(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if file == "" {
		return pool, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("FANFARE_CA_FILE cannot be read: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("FANFARE_CA_FILE: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

// credential makes the azidentity credential for a tenant. Only one should be
// made per tenant, because its token cache lives in it (protocol A.3).
func (c *Config) credential(tenant string, client *http.Client) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Transport: client, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: c.AuthorityURL.String()}}
	// Instance discovery asks Microsoft's public endpoint whether the authority is
	// genuine: right for Microsoft's clouds, wrong for anything else (protocol A.3).
	unknown := !microsoftAuthority(c.AuthorityURL)
	switch c.Credential.Kind {
	case "secret":
		return azidentity.NewClientSecretCredential(tenant, c.BotID, c.Credential.Secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: unknown})
	case "certificate":
		return c.certificate(tenant, options, unknown)
	case "workload":
		return azidentity.NewWorkloadIdentityCredential(
			&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options, ClientID: c.BotID, TenantID: tenant, DisableInstanceDiscovery: unknown})
	case "managed":
		return azidentity.NewManagedIdentityCredential(
			&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options, ID: azidentity.ClientID(c.BotID)})
	}
	return nil, fmt.Errorf("there is no bot credential of kind %q", c.Credential.Kind)
}

func (c *Config) certificate(tenant string, options azcore.ClientOptions, unknown bool) (azcore.TokenCredential, error) {
	raw, err := os.ReadFile(c.Credential.CertFile)
	if err != nil {
		return nil, fmt.Errorf("FANFARE_BOT_CERTIFICATE_FILE cannot be read: %w", err)
	}
	certs, key, err := azidentity.ParseCertificates(raw, []byte(c.Credential.CertPassword))
	if err != nil {
		return nil, fmt.Errorf("FANFARE_BOT_CERTIFICATE_FILE %s cannot be used: %w", c.Credential.CertFile, err)
	}
	return azidentity.NewClientCertificateCredential(tenant, c.BotID, certs, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: unknown, SendCertificateChain: true})
}

// microsoftAuthority knows the sign-in hosts of Microsoft's clouds (protocol A.4).
func microsoftAuthority(u *url.URL) bool {
	switch strings.ToLower(u.Host) {
	case "login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn":
		return true
	}
	return false
}
