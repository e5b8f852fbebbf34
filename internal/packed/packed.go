// Package packed keeps JSON documents as they go over the wire: written once
// with sorted keys ([httpjson.Encode]) and compressed with gzip, which every
// HTTP client takes as it is. Stores hold documents in this form, so that a
// large one travels from its store to its reader without being decoded.
package packed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/gennaker/gennaker/internal/httpjson"
)

// Pack returns v as a packed document. Equal values give equal documents.
func Pack(v any) ([]byte, error) {
	w := writers.Get().(*gzip.Writer)
	var out bytes.Buffer
	w.Reset(&out)
	defer func() {
		w.Reset(nil) // it would hold the document
		writers.Put(w)
	}()
	if err := httpjson.EncodeTo(w, v); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// minSize is the size of the shortest gzip file: header, empty block, trailer.
const minSize = 20

// Valid reports whether p looks like a packed document. Whoever reads it to its
// end learns from the checksum whether it is one.
func Valid(p string) bool { return len(p) >= minSize && strings.HasPrefix(p, "\x1f\x8b\x08") }

// Size returns how many bytes of JSON a packed document says to hold; those
// beyond 4 GiB are cut off. It is 0 for anything else.
func Size(p string) int {
	if !Valid(p) {
		return 0
	}
	return int(binary.LittleEndian.Uint32([]byte(p[len(p)-4:])))
}

// Unpack returns the JSON of a packed document. It fails when that is damaged
// or holds more than limit bytes.
func Unpack(p string, limit int) ([]byte, error) {
	size := Size(p)
	if size > limit {
		return nil, fmt.Errorf("the document holds %d bytes, at most %d are read", size, limit)
	}
	// No gzip file expands more than about a thousandfold: a size that says
	// otherwise is not believed.
	out := bytes.NewBuffer(make([]byte, 0, min(size, len(p)<<11)+bytes.MinRead))
	err := unpack(p, func(r io.Reader) error {
		n, err := io.Copy(out, io.LimitReader(r, int64(limit)+1))
		if err == nil && n > int64(limit) {
			return fmt.Errorf("the document holds more than %d bytes", limit)
		}
		return err
	})
	return out.Bytes(), err
}

// Write writes the JSON of a packed document to w in small pieces. What is
// written when it fails is no document.
func Write(w io.Writer, p string) error {
	return unpack(p, func(r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
}

func unpack(p string, read func(io.Reader) error) error {
	r := readers.Get().(*gzip.Reader)
	defer readers.Put(r)
	if err := r.Reset(strings.NewReader(p)); err != nil {
		return fmt.Errorf("unpack a document: %w", err)
	}
	return read(r)
}

var (
	readers = sync.Pool{New: func() any { return new(gzip.Reader) }}
	writers = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) //nolint:forbidigo // unreachable: the level is a constant that exists
		}
		return w
	}}
)
