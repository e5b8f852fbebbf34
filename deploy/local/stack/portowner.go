package stack

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PortOwner finds the process that listens on a TCP port, from /proc: its pid and its command line (shortened), or zero
// when there is none or it belongs to another user.
func PortOwner(number int) (int, string) {
	inodes := listeningInodes(number)
	if len(inodes) == 0 {
		return 0, ""
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, ""
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !inodes[target] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err != nil {
			continue
		}
		return pid, commandOf(pid)
	}
	return 0, ""
}

// listeningInodes returns the /proc link targets ("socket:[123]") of the sockets that listen on the port.
func listeningInodes(number int) map[string]bool {
	const stateListen = "0A"
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != stateListen {
				continue
			}
			_, hex, ok := strings.Cut(f[1], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if ok && err == nil && int(port) == number {
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	return inodes
}

// commandOf returns a process's command line, at most 80 characters of it.
func commandOf(pid int) string {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	command := strings.TrimSpace(strings.ReplaceAll(string(raw), "\x00", " "))
	if err != nil || command == "" {
		return "a process without a name"
	}
	const longest = 80
	if runes := []rune(command); len(runes) > longest {
		command = string(runes[:longest]) + "…"
	}
	return command
}

// RSS returns the resident memory of a process in bytes, 0 when it is gone.
func RSS(pid int) int64 {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
