package stack

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// accountCredential returns what makes a process run as an account, or nil where this program is not root's and may not
// change who it is.
func accountCredential(account string) (*syscall.Credential, error) {
	if account == "" || os.Geteuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup(account)
	if err != nil {
		return nil, fmt.Errorf("look up the account %s, as which root starts this program: %w", account, err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// handOver gives a part's data folder to its account. The folders above may then be passed through, though not listed, by
// others; what they hold besides stays its owner's alone.
func (e *Env) handOver(part Part) error {
	credential, err := accountCredential(part.Account)
	if err != nil || credential == nil {
		return err
	}
	dir, err := e.Data(part.Name)
	if err != nil {
		return err
	}
	for _, above := range []string{e.Dir, filepath.Dir(dir)} {
		if err := os.Chmod(above, 0o711); err != nil {
			return err
		}
	}
	if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
		return err
	}
	for above := filepath.Dir(e.Dir); ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%s runs as %s, who cannot reach %s: %w", part.Name, part.Account, above, errClosedFolder)
		}
		if above == filepath.Dir(above) {
			return nil
		}
	}
}

var errClosedFolder = errors.New("the folder is closed to others; choose a place for the state that is not inside it (TMPDIR for tests and measurements)")
