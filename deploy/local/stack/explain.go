package stack

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// explainDisk adds the remedy to an error of a full or read-only disk.
func explainDisk(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: the disk is full; free some room (the stack's state is in .local, \"make reset\" removes it)", err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: this user cannot write there", err)
	default:
		return err
	}
}

// LogTail returns the last lines of a log as an indented block under the log's path, and what they tell about a cause
// that people can remove.
func LogTail(path string) string {
	const lines, longest = 12, 64 << 10
	file, err := os.Open(path)
	if err != nil {
		return "\n  its log " + path + " cannot be read"
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "\n  log: " + path
	}
	raw := make([]byte, min(info.Size(), longest))
	if _, err := file.ReadAt(raw, info.Size()-int64(len(raw))); err != nil {
		return "\n  log: " + path
	}
	all := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	tail := all[max(0, len(all)-lines):]
	block := "\n  log: " + path + "\n    " + strings.Join(tail, "\n    ")
	if strings.Contains(strings.Join(tail, "\n"), "no space left on device") {
		block += "\n  The disk is full: free some room and start again."
	}
	return block
}
