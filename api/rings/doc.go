// Package rings is the API's part of the rollout: how far it has come, what rings
// there are, and what admins do to it. The door's route table (api/routes.go) has its
// addresses.
package rings
