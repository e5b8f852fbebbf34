// Command genopenapi writes the gateway's OpenAPI document, from the route
// table, to the file that its argument names.
package main

import (
	"fmt"
	"os"

	"github.com/gennaker/gennaker/gate"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "genopenapi:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name the file to write, for example gate/openapi.json")
	}
	doc, err := gate.OpenAPI()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], doc, 0o644)
}
