//go:build !linux

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Self is the command of a process that runs this program.
func Self(args ...string) []string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return append([]string{path}, args...)
}

// confine bounds memory by watching it. Systems other than Linux are for
// development: there the process is not kept from the network.
func confine(memory int64, _ time.Duration) error {
	debug.SetMemoryLimit(memory * 3 / 4)
	debug.SetMaxStack(maxStack(memory))
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
		for range time.Tick(20 * time.Millisecond) {
			metrics.Read(sample)
			if sample[0].Value.Uint64() > uint64(memory) {
				_, _ = fmt.Fprintln(os.Stderr, "out of memory")
				os.Exit(2)
			}
		}
	}()
	return nil
}

func endedByTime(*os.ProcessState, time.Duration) bool { return false }

func start(cmd *exec.Cmd) error { return cmd.Start() }
