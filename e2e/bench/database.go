package main

import (
	"fmt"
	"slices"
	"strings"
)

// The databases that Temporal may keep its state in.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// titles are the names of the databases as rows show them.
var titles = map[string]string{sqlite: "SQLite", postgres: "PostgreSQL"}

// databases reads a list of databases, separated by commas.
func databases(list string) ([]string, error) {
	var out []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if titles[name] == "" {
			return nil, fmt.Errorf("--database names %q: choose from sqlite and postgres", name)
		}
		if slices.Contains(out, name) {
			return nil, fmt.Errorf("--database names %s twice", name)
		}
		out = append(out, name)
	}
	return out, nil
}
