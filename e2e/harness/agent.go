package harness

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/deploy/local/stack"
)

// Agent starts a worker that serves accounts alone, as one inside a private
// cluster: its configuration names Temporal and the accounts, and nothing else.
func (s *System) Agent(ctx context.Context, name string, accounts ...map[string]any) (*Server, error) {
	return s.agent(ctx, name, nil, accounts)
}

// MirroringAgent is an agent that reaches Redis too.
func (s *System) MirroringAgent(ctx context.Context, name string, accounts ...map[string]any) (*Server, error) {
	return s.agent(ctx, name, []string{"--redis-address=" + s.env.Address(stack.PortRedis)}, accounts)
}

func (s *System) agent(ctx context.Context, name string, flags []string, accounts []map[string]any) (*Server, error) {
	path := filepath.Join(s.env.Dir, "agent-"+name+".yaml")
	if err := s.ConfigureAgent(name, accounts...); err != nil {
		return nil, err
	}
	one := s.server(stack.Part{
		Name: "agent-" + name, Program: product, Title: "Agent",
		Args: func(*stack.Env) ([]string, error) {
			return append([]string{"worker", "--roles=clouddriver", "--config=" + path, "--worker-announce-interval=2s"}, flags...), nil
		},
	})
	return one, one.Start(ctx)
}

// ConfigureAgent replaces an agent's configuration file.
func (s *System) ConfigureAgent(name string, accounts ...map[string]any) error {
	raw, err := yaml.Marshal(map[string]any{
		"temporal":   map[string]any{"address": s.env.Address(stack.PortTemporal), "namespace": s.env.Namespace},
		"kubernetes": map[string]any{"accounts": accounts},
	})
	if err != nil {
		return err
	}
	path := filepath.Join(s.env.Dir, "agent-"+name+".yaml")
	if err := os.WriteFile(path+".fresh", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".fresh", path)
}

// TemporalAddress is where agents dial.
func (s *System) TemporalAddress() string { return s.env.Address(stack.PortTemporal) }

// APIServerAddress is that of the system's cluster.
func (s *System) APIServerAddress() string { return s.env.Address(stack.PortKubernetes) }

// Sockets tells with whom the process is connected over TCP, as sorted
// addresses, and on which it listens.
func (s *Server) Sockets() (connected, listening []string, err error) {
	pid := strconv.Itoa(s.Pid())
	own := map[string]bool{}
	files, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		link, err := os.Readlink(filepath.Join("/proc", pid, "fd", file.Name()))
		if inode, ok := strings.CutPrefix(link, "socket:["); err == nil && ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		err := eachSocket(filepath.Join("/proc", pid, "net", table), func(remote, state, inode string) error {
			if !own[inode] {
				return nil
			}
			address, err := addressOf(remote)
			const listen = "0A"
			if state == listen {
				listening = append(listening, address)
			} else {
				connected = append(connected, address)
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	slices.Sort(connected)
	return slices.Compact(connected), listening, nil
}

func eachSocket(table string, use func(remote, state, inode string) error) error {
	f, err := os.Open(table)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	for first := true; lines.Scan(); first = false {
		fields := strings.Fields(lines.Text())
		if first || len(fields) < 10 {
			continue
		}
		if err := use(fields[2], fields[3], fields[9]); err != nil {
			return err
		}
	}
	return lines.Err()
}

// addressOf reads an address of the kernel's table: hexadecimal, the words of the
// host's bytes in the machine's order, which here is the little end first.
func addressOf(text string) (string, error) {
	host, port, found := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	number, err2 := strconv.ParseUint(port, 16, 16)
	if !found || err != nil || err2 != nil || len(raw)%4 != 0 {
		return "", fmt.Errorf("the kernel's table holds the address %q", text)
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	ip := net.IP(raw)
	if four := ip.To4(); four != nil {
		ip = four
	}
	return net.JoinHostPort(ip.String(), strconv.FormatUint(number, 10)), nil
}
