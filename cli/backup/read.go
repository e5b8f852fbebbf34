package backup

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// entry is one object of a backup.
type entry struct {
	*tar.Header
	key     string
	content *spool
	// kept is set by a reader who closes the content later.
	kept bool
}

func (e *entry) deleted() bool { return e.PAXRecords[paxDeleteMarker] != "" }

// read reads a backup from its start and hands every object to do, whose content
// is checked. The error is invalid for a file that is none, was cut short or is
// damaged.
func read(path string, begin func(Header) error, do func(*entry) error) (End, error) {
	f, err := os.Open(path)
	if err != nil {
		return End{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	packed, err := gzip.NewReader(f)
	if err != nil {
		return End{}, broken("%s is not compressed with gzip.", path)
	}
	archive := tar.NewReader(packed)
	var header Header
	if err := readNote(archive, headerName, &header); err != nil {
		return End{}, broken("%s does not begin as one, it is another file or was cut short.", path)
	}
	if header.Format != format {
		return End{}, broken("%s has the format %d, this program knows %d.", path, header.Format, format)
	}
	if err := begin(header); err != nil {
		return End{}, err
	}
	all := newChain()
	for {
		h, err := archive.Next()
		if err != nil {
			return End{}, cut(path, err)
		}
		if h.Name == endName {
			return readEnd(path, archive, packed, h, all)
		}
		if err := readObject(path, header, archive, h, all, do); err != nil {
			return End{}, err
		}
	}
}

// cut tells of an archive that ends, or cannot be read on.
func cut(path string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("%s was cut short: its end is missing. Take another one.", path)
	}
	var outside *os.PathError
	if errors.As(err, &outside) {
		return err
	}
	return broken("%s is damaged (%s). Take another one.", path, err)
}

func readObject(path string, header Header, archive *tar.Reader, h *tar.Header, all *chain, do func(*entry) error) error {
	key, found := strings.CutPrefix(h.Name, objectsFolder)
	inside := slices.ContainsFunc(header.Prefixes, func(p string) bool { return p != "" && strings.HasPrefix(key, p) })
	if !found || !inside || h.Typeflag != tar.TypeReg || h.Size > maxObject {
		return broken("%s holds %q, which is no object of it.", path, h.Name)
	}
	e := &entry{Header: h, key: key, content: &spool{}}
	defer func() {
		if !e.kept {
			e.content.close()
		}
	}()
	if err := e.content.fill(archive); err != nil {
		return cut(path, err)
	}
	if !e.deleted() && e.content.sha != h.PAXRecords[paxChecksum] {
		return broken("the object %s in %s is damaged: its checksum is another.", key, path)
	}
	checksum := e.content.sha
	if e.deleted() {
		checksum = ""
	}
	all.add(key, h.PAXRecords[paxVersion], checksum, e.content.size)
	return do(e)
}

// readEnd compares what was read with what was written.
func readEnd(path string, archive *tar.Reader, packed *gzip.Reader, h *tar.Header, all *chain) (End, error) {
	raw, err := io.ReadAll(io.LimitReader(archive, maxNote))
	if err != nil {
		return End{}, cut(path, err)
	}
	var end End
	if err := json.Unmarshal(raw, &end); err != nil || int64(len(raw)) != h.Size {
		return End{}, broken("%s is damaged: its end cannot be read.", path)
	}
	if got := all.sum(); got != end {
		return End{}, broken("%s is damaged: it holds %d objects, %d were written, or their checksums differ.", path, got.Objects, end.Objects)
	}
	// The checksum of the compression stands behind everything.
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return End{}, broken("%s goes on behind its end.", path)
	}
	behind, err := io.Copy(io.Discard, packed)
	if err != nil {
		return End{}, cut(path, err)
	}
	if behind > 0 {
		return End{}, broken("%s goes on behind its end.", path)
	}
	return end, nil
}

func readNote(archive *tar.Reader, name string, into any) error {
	h, err := archive.Next()
	if err != nil {
		return err
	}
	if h.Name != name {
		return errors.New("another name")
	}
	raw, err := io.ReadAll(io.LimitReader(archive, maxNote))
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
