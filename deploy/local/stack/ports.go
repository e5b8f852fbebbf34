package stack

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Names of ports. A person talks to the public ones; the rest serve the parts among themselves.
const (
	PortDeck         = "deck"
	PortGate         = "gate"
	PortFront50      = "front50"
	PortTemporal     = "temporal"
	PortTemporalUI   = "temporal-ui"
	PortMinIO        = "minio"
	PortMinIOConsole = "minio-console"
	PortKubernetes   = "kubernetes"
	PortRedis        = "redis"
	PortPostgres     = "postgres"
	PortLDAP         = "ldap"
	PortLDAPS        = "ldaps"

	portEtcd              = "etcd"
	portEtcdPeer          = "etcd-peer"
	portControllerManager = "kube-controller-manager"
	portScheduler         = "kube-scheduler"
	portKwok              = "kwok"
)

// publicPorts are the defaults of the ports that people and clients use; the first three are Spinnaker's own.
var publicPorts = map[string]int{
	PortDeck:         9000,
	PortGate:         8084,
	PortFront50:      8080,
	PortTemporal:     7233,
	PortTemporalUI:   8233,
	PortMinIO:        9001,
	PortMinIOConsole: 9002,
	PortKubernetes:   6443,
}

// internalPorts are chosen freely at every start unless the environment names them.
var internalPorts = []string{portEtcd, portEtcdPeer, portControllerManager, portScheduler, portKwok}

// Ports maps the name of a port to its number.
type Ports map[string]int

// PortVariable is the environment variable that changes the named port: "temporal-ui" is GENNAKER_PORT_TEMPORAL_UI.
func PortVariable(name string) string {
	return "GENNAKER_PORT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// PortsFromEnvironment returns every port of the stack: the default or what the environment asks for. It refuses a value
// that is no port and two names that share one.
func PortsFromEnvironment(getenv func(string) string) (Ports, error) {
	ports := Ports{}
	for name, number := range publicPorts {
		ports[name] = number
	}
	names := append(slices.Sorted(maps.Keys(publicPorts)), internalPorts...)
	for _, name := range names {
		value := getenv(PortVariable(name))
		if value == "" {
			continue
		}
		number, err := strconv.Atoi(value)
		if err != nil || number < 1 || number > 65535 {
			return nil, fmt.Errorf("%s is %q: give a port in 1..65535", PortVariable(name), value)
		}
		ports[name] = number
	}
	for _, name := range internalPorts {
		if ports[name] != 0 {
			continue
		}
		number, err := freePort(ports)
		if err != nil {
			return nil, err
		}
		ports[name] = number
	}
	owner := map[int]string{}
	for _, name := range names {
		if other, taken := owner[ports[name]]; taken {
			return nil, fmt.Errorf("%s and %s both ask for port %d: change one of them", PortVariable(other), PortVariable(name), ports[name])
		}
		owner[ports[name]] = name
	}
	return ports, nil
}

// FreePorts returns a free port for each name, all different.
func FreePorts(names ...string) (Ports, error) {
	ports := Ports{}
	for _, name := range names {
		number, err := freePort(ports)
		if err != nil {
			return nil, err
		}
		ports[name] = number
	}
	return ports, nil
}

// freePort tries random ports below the range that Linux hands to outgoing connections, so that a port stays free
// between this answer and its use, and again while a killed part is restarted on it.
func freePort(taken Ports) (int, error) {
	const low, high, tries = 12000, 32000, 1000
	for range tries {
		number := low + rand.IntN(high-low)
		if slices.Contains(slices.Collect(maps.Values(taken)), number) {
			continue
		}
		if PortFree(number) == nil {
			return number, nil
		}
	}
	return 0, fmt.Errorf("no free port found in %d..%d after %d tries", low, high, tries)
}

// PortFree returns nil when a server may listen on the port of 127.0.0.1 and [ErrPortTaken] or the kernel's refusal otherwise.
func PortFree(number int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err == nil {
		return l.Close()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return ErrPortTaken
	}
	return err
}

// ErrPortTaken says that another process listens on a port.
var ErrPortTaken = errors.New("port is taken")

// explainPort turns the refusal of a port into a sentence that names who has it and what to do.
func explainPort(part, name string, number int, err error) error {
	switch {
	case errors.Is(err, ErrPortTaken):
		who := "by a process that this user may not look at"
		if pid, command := PortOwner(number); pid != 0 {
			who = fmt.Sprintf("by %s (pid %d)", command, pid)
		}
		return fmt.Errorf("%s cannot start: its port %d is taken %s. Stop that process or choose another port with %s=<port>",
			part, number, who, PortVariable(name))
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s cannot start: this user may not listen on port %d. Choose one above 1023 with %s=<port>",
			part, number, PortVariable(name))
	default:
		return fmt.Errorf("%s cannot start: port %d: %w", part, number, err)
	}
}
