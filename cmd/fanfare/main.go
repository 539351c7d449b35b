// Command fanfare is the product: web application, API, bot endpoint and engine
// in one binary.
package main

import (
	"os"

	"github.com/fanfare/fanfare/server"
)

func main() {
	os.Exit(server.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
