// Package keep holds the pages that keep installations right: passes over all of them
// (package upkeep), and the app for teams (package join). The door's route table
// (web/routes.go) says who may use which.
package keep
