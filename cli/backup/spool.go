package backup

import (
	"bytes"
	"crypto/md5" //nolint:gosec // it is how the store tells contents apart, and proves nothing here
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool holds a content whose length is not known: a small one in memory, a large
// one in a temporary file.
type spool struct {
	memory bytes.Buffer
	file   *os.File
	size   int64
	sha    string
	md5    string
}

// fill reads a content to its end and sums it up.
func (s *spool) fill(r io.Reader) error {
	sha, short := sha256.New(), md5.New() //nolint:gosec // see the import
	r = io.TeeReader(io.LimitReader(r, maxObject+1), io.MultiWriter(sha, short))
	n, err := io.CopyN(&s.memory, r, inMemory)
	s.size = n
	if err == nil { // there may be more
		if s.file, err = os.CreateTemp("", "gennaker-backup-*"); err != nil {
			return err
		}
		if _, err = s.file.Write(s.memory.Bytes()); err != nil {
			return err
		}
		s.memory = bytes.Buffer{}
		more, err := io.Copy(s.file, r)
		if err != nil {
			return err
		}
		s.size += more
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	if s.size > maxObject {
		return fmt.Errorf("it is larger than %d bytes", maxObject)
	}
	s.sha, s.md5 = hex.EncodeToString(sha.Sum(nil)), hex.EncodeToString(short.Sum(nil))
	return nil
}

// reader returns the content from its start.
func (s *spool) reader() (io.ReadSeeker, error) {
	if s.file == nil {
		return bytes.NewReader(s.memory.Bytes()), nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, err
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()           // it was only for now
		_ = os.Remove(s.file.Name()) // likewise
	}
}
