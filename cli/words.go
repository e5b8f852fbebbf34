package cli

import (
	"maps"
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

// either returns an argument, or what the flag of spin that stands for it says.
func either(argument, flag string) string {
	if argument != "" {
		return argument
	}
	return flag
}

func sortedKeys(m pipeline.Map) []string { return slices.Sorted(maps.Keys(m)) }
