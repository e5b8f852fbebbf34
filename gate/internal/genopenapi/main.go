// Command genopenapi writes the gateway's OpenAPI document and the reference page,
// both from the route table, to the files that its arguments name.
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
	if len(args) != 2 {
		return fmt.Errorf("name the files to write: gate/openapi.json docs/reference/api.md")
	}
	doc, err := gate.OpenAPI()
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0], doc, 0o644); err != nil {
		return err
	}
	return os.WriteFile(args[1], []byte(gate.Reference()), 0o644)
}
