// Package lists holds the pages of uploaded lists of people and of saved audiences: the
// upload, the report of what became of each row, its download, and the shelf of both.
// The door's route table (web/routes.go) says who may use which.
package lists
