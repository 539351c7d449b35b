// Package keys makes and publishes the RSA keys with which the painted Entra ID
// and the painted Bot Connector sign, and rotates them on demand.
package keys
