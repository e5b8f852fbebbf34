package main

import (
	"net"
	"strconv"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// newUI builds the Temporal web UI; an execution is at /namespaces/<namespace>/workflows/<workflow id>.
func newUI(opts *options) *uiserver.Server {
	namespace := "default"
	if len(opts.Namespaces) > 0 {
		namespace = opts.Namespaces[0]
	}
	return uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)),
		Host:                opts.IP,
		Port:                opts.UIPort,
		EnableUI:            true,
		DefaultNamespace:    namespace,
		HideLogs:            true,
		// The news feed and version notices call home.
		DisableNewsFetch: true,
		CORS:             uiconfig.CORS{CookieInsecure: true},
		Codec:            uiconfig.Codec{Endpoint: opts.Codec},
	}))
}
