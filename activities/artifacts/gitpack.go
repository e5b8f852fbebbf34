package artifacts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/gennaker/gennaker/pipeline"
)

// checkout fetches one commit and returns its tree.
func (g gitRepository) checkout(ctx context.Context, s uploadSession, a pipeline.Artifact) (*object.Tree, error) {
	refs, err := s.references(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := wanted(refs, a)
	if err != nil {
		return nil, err
	}
	request, err := shallow(refs, hash)
	if err != nil {
		return nil, err
	}
	answer, err := s.upload(ctx, request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }() // read as far as wanted
	pack, err := g.readPack(request, answer, a)
	if err != nil {
		return nil, err
	}
	store := memory.NewStorage()
	if err := packfile.UpdateObjectStorage(store, bytes.NewReader(pack)); err != nil {
		return nil, badPack(err, a)
	}
	commit, err := object.GetCommit(store, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		if tag, tagErr := object.GetTag(store, hash); tagErr == nil { // its own hash was named
			commit, err = tag.Commit()
		}
	}
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeNotFound, err, "The version '%s' of the artifact '%s' is no commit of its git repository.", cut(a.Version), titleOf(a))
	}
	tree, err := commit.Tree()
	if err != nil {
		return nil, badPack(err, a)
	}
	return tree, nil
}

func badPack(err error, a pipeline.Artifact) error {
	return pipeline.Wrap(pipeline.CodeInvalid, err, "The git server sent something for the artifact '%s' that cannot be read: %s.", titleOf(a), err)
}

// readPack reads the answer's objects and looks at their sizes before any is
// unpacked: a few kilobytes can stand for many gigabytes.
func (g gitRepository) readPack(r *packp.UploadPackRequest, answer io.Reader, a pipeline.Artifact) ([]byte, error) {
	switch {
	case r.Capabilities.Supports(capability.Sideband64k):
		answer = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case r.Capabilities.Supports(capability.Sideband):
		answer = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	limit := g.room.config.MaxBytes
	pack, err := io.ReadAll(io.LimitReader(answer, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(pack)) > limit {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The git repository of the artifact '%s' is over %d bytes: more are not fetched (artifacts-max-bytes).", titleOf(a), limit)
	}
	return pack, g.measure(pack, a)
}

// measure adds up what the objects of a pack come to.
func (g gitRepository) measure(pack []byte, a pipeline.Artifact) error {
	tooLarge := func() error {
		return pipeline.Errorf(pipeline.CodeTooLarge, "The git repository of the artifact '%s' is over %d bytes or %d files, unpacked: more is not taken (artifacts-max-unpacked, artifacts-max-files).", titleOf(a), g.room.config.MaxUnpacked, g.room.config.MaxFiles)
	}
	scanner := packfile.NewScanner(bytes.NewReader(pack))
	_, objects, err := scanner.Header()
	if err != nil {
		return badPack(err, a)
	}
	// Each file has folders above it: four objects a file are plenty.
	if int64(objects) > 4*int64(g.room.config.MaxFiles)+4 {
		return tooLarge()
	}
	left := g.room.config.MaxUnpacked
	for range objects {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return badPack(err, a)
		}
		if left -= header.Length; left < 0 {
			return tooLarge()
		}
		head := &deltaHead{}
		sink := io.Discard
		if header.Type.IsDelta() {
			sink = head
		}
		if _, _, err := scanner.NextObject(sink); err != nil {
			return badPack(err, a)
		}
		if header.Type.IsDelta() {
			if left -= head.size(); left < 0 {
				return tooLarge()
			}
		}
	}
	return nil
}

// deltaHead keeps the first bytes of a delta, which say how large its result is.
type deltaHead struct{ bytes []byte }

func (h *deltaHead) Write(p []byte) (int, error) {
	if room := 20 - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// size is the second of the two numbers at a delta's beginning.
func (h *deltaHead) size() int64 {
	read := func() (n int64) {
		for shift := 0; len(h.bytes) > 0 && shift < 63; shift += 7 {
			b := h.bytes[0]
			h.bytes = h.bytes[1:]
			n |= int64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
		return max(n, 0)
	}
	read()
	return read()
}

// archive packs a tree, or a folder of it, as git archive does; the paths in it
// are the repository's own. Links and submodules are left out: a link may lead
// anywhere.
func (g gitRepository) archive(tree *object.Tree, a pipeline.Artifact, subPath string) ([]byte, error) {
	if subPath != "" {
		var err error
		if tree, err = tree.Tree(subPath); err != nil {
			return nil, pipeline.Errorf(pipeline.CodeNotFound, "The git repository of the artifact '%s' has no folder '%s'.", titleOf(a), cut(subPath))
		}
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	files := 0
	err := tree.Files().ForEach(func(f *object.File) error {
		if f.Mode != filemode.Regular && f.Mode != filemode.Executable && f.Mode != filemode.Deprecated {
			return nil
		}
		if files++; files > g.room.config.MaxFiles {
			return pipeline.Errorf(pipeline.CodeTooLarge, "The git repository of the artifact '%s' holds more than %d files: name a folder of it as its subPath, or raise artifacts-max-files.", titleOf(a), g.room.config.MaxFiles)
		}
		name := path.Join(subPath, f.Name)
		if !safePath(name) {
			return badPack(fmt.Errorf("the path %q leaves the repository", cut(name)), a)
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: f.Size, Typeflag: tar.TypeReg, Format: tar.FormatPAX}); err != nil {
			return err
		}
		content, err := f.Reader()
		if err != nil {
			return err
		}
		_, err = io.Copy(archive, content)
		return errors.Join(err, content.Close())
	})
	if err == nil {
		err = errors.Join(archive.Close(), zip.Close())
	}
	var p *pipeline.Error
	if err != nil && !errors.As(err, &p) {
		err = badPack(err, a)
	}
	return out.Bytes(), err
}

// safePath tells whether a path of an archive stays below where it is put.
func safePath(name string) bool {
	if name == "" || strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}
