package memstore_test

import (
	"testing"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/front50/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) front50.Store { return memstore.New(nil) })
}
