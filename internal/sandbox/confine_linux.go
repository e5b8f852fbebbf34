package sandbox

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// Self is the command of a process that runs this very program, even when its
// file has been replaced since.
func Self(args ...string) []string { return append([]string{"/proc/self/exe"}, args...) }

// confine takes from this process what its task does not need. No new file can be
// opened, so there is no file, no socket and no pipe to a child.
func confine(memory int64, limit time.Duration) error {
	// The kernel takes this process first when the machine runs out of memory; not
	// being able to say so is no harm.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o600)
	debug.SetMemoryLimit(memory * 3 / 4)
	debug.SetMaxStack(maxStack(memory))
	seconds := uint64((limit + time.Second - 1) / time.Second)
	for _, l := range []struct {
		resource  int
		cur, hard uint64
	}{
		// What Go allocates is data to the kernel; what it only reserves is not.
		{syscall.RLIMIT_DATA, uint64(memory), uint64(memory)},
		{syscall.RLIMIT_CPU, seconds, seconds + 1},
		{syscall.RLIMIT_CORE, 0, 0},
		{syscall.RLIMIT_NOFILE, 0, 0},
	} {
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: l.cur, Max: l.hard}); err != nil {
			return err
		}
	}
	return nil
}

// endedByTime tells whether the kernel ended a process that had used up the
// processor's time. Go does not die of the first signal, so the second, which no
// process can ignore, ends it.
func endedByTime(state *os.ProcessState, limit time.Duration) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && state.UserTime()+state.SystemTime() >= limit
}

// spawner starts children on one thread that lives as long as the program: the
// kernel sends the signal of a parent's death when the thread that made the child
// ends, and Go may end any other thread.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// start starts a child that dies with this program.
func start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	spawner() <- func() { result <- cmd.Start() }
	return <-result
}
