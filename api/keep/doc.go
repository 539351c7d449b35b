// Package keep is the part of the API that keeps installations right: passes over all
// of them (package upkeep), and the app for teams (package join). The door's route
// table (api/routes.go) says who may use which.
package keep
