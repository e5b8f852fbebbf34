package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/client"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/front50/server"
	"github.com/gennaker/gennaker/front50/storetest"
)

// serve starts handler and returns a client of it.
func serve(t *testing.T, handler http.Handler, o client.Options) *client.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL, o)
	require.NoError(t, err)
	return c
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) front50.Store {
		return serve(t, server.New(memstore.New(nil), server.Options{}).Handler(), client.Options{})
	})
}
