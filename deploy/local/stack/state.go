package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// State is what a running stack tells other processes, in stack.json of its folder.
type State struct {
	// Pid is the supervisor's.
	Pid int `json:"pid"`
	// Since is when it started.
	Since time.Time `json:"since"`
	// Ports are in use.
	Ports Ports `json:"ports"`
	// Kubeconfig is the cluster that the stack deploys to.
	Kubeconfig string `json:"kubeconfig"`
	// Parts are in the order of their start.
	Parts []PartState `json:"parts"`
}

// PartState is one running part.
type PartState struct {
	Name string `json:"name"`
	// Pid is 0 while the part waits to be started again.
	Pid int `json:"pid"`
	// Restarts counts the starts after the first.
	Restarts int `json:"restarts"`
	// Ready tells whether the part has worked since its last start.
	Ready bool `json:"ready"`
}

func statePath(dir string) string { return filepath.Join(dir, "stack.json") }
func lockPath(dir string) string  { return filepath.Join(dir, "stack.lock") }

// stateFile is the running stack's hold on its folder: a lock that ends with the process, and the state.
type stateFile struct {
	mu    sync.Mutex
	dir   string
	lock  *os.File
	state State
}

// claimState makes this process the only supervisor of the folder.
func claimState(env *Env) (*stateFile, error) {
	file, err := tryLock(env.Dir)
	if err != nil {
		return nil, err
	}
	s := &stateFile{dir: env.Dir, lock: file}
	s.state = State{Pid: os.Getpid(), Since: time.Now(), Ports: env.Ports, Kubeconfig: env.Kubeconfig}
	if err := s.write(); err != nil {
		s.release()
		return nil, fmt.Errorf("write %s: %w", statePath(env.Dir), explainDisk(err))
	}
	return s, nil
}

// ErrRunning says that a stack runs already.
var ErrRunning = errors.New("the stack is already running")

// tryLock takes the folder's lock, or fails with ErrRunning.
func tryLock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, explainDisk(err)
	}
	file, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, explainDisk(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w in %s: \"make status\" shows it, \"make down\" stops it", ErrRunning, dir)
		}
		return nil, fmt.Errorf("lock %s: %w", lockPath(dir), err)
	}
	return file, nil
}

// ReadState returns the state of the stack that runs in a folder; false when none runs.
func ReadState(dir string) (State, bool, error) {
	if _, err := os.Stat(lockPath(dir)); errors.Is(err, os.ErrNotExist) {
		return State{}, false, nil
	}
	file, err := tryLock(dir)
	if err == nil {
		return State{}, false, file.Close()
	}
	if !errors.Is(err, ErrRunning) {
		return State{}, false, err
	}
	raw, err := os.ReadFile(statePath(dir))
	if err != nil {
		return State{}, false, err
	}
	var state State
	if err := json.Unmarshal(raw, &state); err != nil {
		return State{}, false, fmt.Errorf("read %s: %w", statePath(dir), err)
	}
	return state, true, nil
}

// set records how a part is. A state that cannot be written only makes "make status" less exact, so the stack goes on.
func (s *stateFile) set(name string, pid, restarts int, ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	part := PartState{Name: name, Pid: pid, Restarts: restarts, Ready: ready}
	for i := range s.state.Parts {
		if s.state.Parts[i].Name == name {
			s.state.Parts[i] = part
			_ = s.write()
			return
		}
	}
	s.state.Parts = append(s.state.Parts, part)
	_ = s.write()
}

func (s *stateFile) write() error {
	raw, err := json.MarshalIndent(s.state, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(statePath(s.dir), raw)
}

// release gives the folder free.
func (s *stateFile) release() {
	_ = os.Remove(statePath(s.dir))
	_ = s.lock.Close()
}
