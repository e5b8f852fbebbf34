package stack_test

import (
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// environment is a getenv over a map.
func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestPortsComeFromDefaultsAndEnvironment(t *testing.T) {
	t.Parallel()
	ports, err := stack.PortsFromEnvironment(environment(map[string]string{"GENNAKER_PORT_TEMPORAL_UI": "18233"}))
	require.NoError(t, err)
	require.Equal(t, 9000, ports[stack.PortDeck])
	require.Equal(t, 8084, ports[stack.PortGate])
	require.Equal(t, 8080, ports[stack.PortFront50])
	require.Equal(t, 7233, ports[stack.PortTemporal])
	require.Equal(t, 18233, ports[stack.PortTemporalUI])
	seen := map[int]string{}
	for name, number := range ports {
		require.NotZero(t, number, name)
		require.Empty(t, seen[number], "%s and %s share port %d", name, seen[number], number)
		seen[number] = name
	}
}

func TestPortsRefuseWhatIsNoPort(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values map[string]string
		says   string
	}{
		"a word":   {map[string]string{"GENNAKER_PORT_GATE": "http"}, `GENNAKER_PORT_GATE is "http": give a port in 1..65535`},
		"zero":     {map[string]string{"GENNAKER_PORT_GATE": "0"}, "1..65535"},
		"too high": {map[string]string{"GENNAKER_PORT_GATE": "65536"}, "1..65535"},
		"shared": {map[string]string{"GENNAKER_PORT_GATE": "9000"},
			"GENNAKER_PORT_DECK and GENNAKER_PORT_GATE both ask for port 9000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stack.PortsFromEnvironment(environment(test.values))
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestPortOwnerNamesTheProcess(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	address, ok := listener.Addr().(*net.TCPAddr)
	require.True(t, ok)

	pid, command := stack.PortOwner(address.Port)
	require.Equal(t, os.Getpid(), pid)
	require.Contains(t, command, "stack.test")
	require.ErrorIs(t, stack.PortFree(address.Port), stack.ErrPortTaken)

	env := &stack.Env{Dir: t.TempDir(), Ports: stack.Ports{stack.PortRedis: address.Port}}
	err = stack.CheckPorts(env, []stack.Part{stack.Redis()})
	require.ErrorContains(t, err, fmt.Sprintf("redis cannot start: its port %d is taken by", address.Port))
	require.ErrorContains(t, err, fmt.Sprintf("(pid %d)", os.Getpid()))
	require.ErrorContains(t, err, "GENNAKER_PORT_REDIS=<port>")
}
