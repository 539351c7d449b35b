// Package admin holds the pages of those who set Fanfare up and keep it running:
// the set-up and its checks, the rollout of the app, API keys, the end of a halt. The door's route table
// (web/routes.go) says who may use which.
package admin
