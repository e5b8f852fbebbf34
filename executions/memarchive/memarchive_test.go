package memarchive_test

import (
	"testing"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/executionstest"
	"github.com/gennaker/gennaker/executions/memarchive"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	executionstest.Archive(t, func(*testing.T) executions.Archive { return memarchive.New() })
}
