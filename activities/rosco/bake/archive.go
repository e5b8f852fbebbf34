package bake

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// isArchive tells whether a content is a gzipped archive.
func isArchive(content []byte) bool { return bytes.HasPrefix(content, []byte{0x1f, 0x8b}) }

// unpack reads a gzipped tar into memory, by path. Links, devices and folders are
// passed over; a path that leaves the archive is refused.
func unpack(content []byte, what string, l Limits) (map[string][]byte, error) {
	broken := func(err error) error {
		return pipeline.Errorf(pipeline.CodeInvalid, "%s is no gzipped tar archive: %s.", what, strings.TrimSuffix(err.Error(), "."))
	}
	zip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, broken(err)
	}
	archive := tar.NewReader(zip)
	files := map[string][]byte{}
	left := l.Unpacked
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, broken(err)
		}
		if entries > 4*l.Files || len(files) >= l.Files {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge, "%s holds more than %d files, the most that are unpacked.", what, l.Files)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name, ok := within(header.Name)
		if !ok {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "%s holds the path %q, which leaves it.", what, header.Name)
		}
		data, err := io.ReadAll(io.LimitReader(archive, left+1))
		if err != nil {
			return nil, broken(err)
		}
		if left -= int64(len(data)); left < 0 {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge, "%s is over %d bytes, unpacked, the most that is taken.", what, l.Unpacked)
		}
		files[name] = data
	}
}

// within cleans a path and tells whether it stays below the root.
func within(name string) (string, bool) {
	if strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) {
		return "", false
	}
	name = path.Clean(name)
	return name, name != "." && name != ".." && !strings.HasPrefix(name, "../")
}

// below returns the files in a folder, by their path in it.
func below(files map[string][]byte, folder string) map[string][]byte {
	if folder == "" || folder == "." {
		return files
	}
	out := map[string][]byte{}
	for name, data := range files {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			out[rest] = data
		}
	}
	return out
}
