package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/gennaker/gennaker/cli/backup"
	"github.com/gennaker/gennaker/cli/render"
	"github.com/gennaker/gennaker/internal/objectstore"
)

// bucketFlags say which bucket. They are those of the servers, and stand in the
// servers' configuration file.
type bucketFlags struct {
	Answers
	ObjectStore objectstore.Config `embed:"" prefix:"object-store-"`
	RootFolder  string             `name:"front50-root-folder" help:"Folder in the bucket that holds configuration (Spinnaker's rootFolder)." default:"front50"`
}

// Prefixes beside the folder of configuration.
const (
	storedAccounts    = "accounts/"
	archiveOfFinished = "gennaker/executions/"
)

type backupCommand struct {
	bucketFlags
	File       string `arg:"" help:"File to write, for example backup.tar.gz. It appears once it is whole. '-' is standard output."`
	Executions bool   `help:"Take the archive of finished executions too."`
	History    bool   `help:"Take earlier versions too, where the bucket keeps them."`
	Force      bool   `help:"Replace a file that is there."`
}

// Run implements the command.
func (c *backupCommand) Run(p *Process) (err error) {
	if c.File != "-" && !c.Force {
		if _, err := os.Lstat(c.File); err == nil {
			return usagef("the file %s is there already: name another, or say --force", c.File)
		}
	}
	store, err := objectstore.Client(p.Ctx, c.ObjectStore)
	if err != nil {
		return err
	}
	source := backup.Source{
		Client: store, Bucket: c.ObjectStore.Bucket, Endpoint: c.ObjectStore.Endpoint, Root: c.RootFolder,
		Others: []string{storedAccounts}, History: c.History,
	}
	if c.Executions {
		source.Others = append(source.Others, archiveOfFinished)
	}
	if exists, err := store.BucketExists(p.Ctx, c.ObjectStore.Bucket); err != nil {
		return fmt.Errorf("look for bucket %q at %s: %w", c.ObjectStore.Bucket, c.ObjectStore.Endpoint, err)
	} else if !exists {
		return fmt.Errorf("bucket %q does not exist at %s", c.ObjectStore.Bucket, c.ObjectStore.Endpoint)
	}
	count := newCounter(p, "objects")
	progress := func(objects, _ int64) { count.set(objects) }
	if c.File == "-" {
		_, err := backup.Write(p.Ctx, source, p.Stdout, progress)
		count.end()
		return interrupted(err)
	}
	end, err := writeWhole(c.File, func(w io.Writer) (backup.End, error) { return backup.Write(p.Ctx, source, w, progress) })
	count.end()
	if err != nil {
		return interrupted(err)
	}
	return p.answer(map[string]any{"file": c.File, "objects": end.Objects, "bytes": end.Bytes, "checksum": end.Checksum}, func() error {
		p.say("%s holds %d objects, %d bytes.", render.Line(c.File), end.Objects, end.Bytes)
		return nil
	})
}

// writeWhole writes a file that only its owner reads, beside its place until it is
// whole.
func writeWhole(path string, write func(io.Writer) (backup.End, error)) (end backup.End, err error) {
	partial := path + ".partial"
	f, err := os.OpenFile(partial, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return end, err
	}
	end, err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(partial) // the first error is the one to tell
		return end, err
	}
	return end, os.Rename(partial, path)
}

func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return ErrInterrupted
	}
	return err
}

type restoreCommand struct {
	bucketFlags
	File      string `arg:"" help:"File that gennaker backup wrote." type:"existingfile"`
	Overwrite bool   `help:"Replace objects that are newer than the backup's; without this nothing is restored when there are some."`
	DryRun    bool   `name:"dry-run" help:"Only check the file and tell what would be written."`
}

// Run implements the command.
func (c *restoreCommand) Run(p *Process) error {
	store, err := objectstore.Client(p.Ctx, c.ObjectStore)
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := objectstore.EnsureBucket(p.Ctx, store, c.ObjectStore); err != nil {
			return err
		}
	}
	count := newCounter(p, "objects")
	done, err := backup.Restore(p.Ctx, backup.Destination{
		Client: store, Bucket: c.ObjectStore.Bucket, Root: c.RootFolder, Overwrite: c.Overwrite, DryRun: c.DryRun,
	}, c.File, func(objects, _ int64) { count.set(objects) })
	count.end()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: restore again for the rest", ErrInterrupted)
	}
	if err != nil {
		return err
	}
	return p.answer(map[string]any{
		"created": done.Created, "replaced": done.Replaced, "same": done.Same, "newer": done.Newer, "dryRun": c.DryRun,
		"bucket": c.ObjectStore.Bucket, "taken": done.Header.Created.Format("2006-01-02T15:04:05Z07:00"),
	}, func() error {
		t := render.Table{Head: []string{"CREATED", "REPLACED", "SAME", "NEWER"}}
		t.Add(strconv.FormatInt(done.Created, 10), strconv.FormatInt(done.Replaced, 10), strconv.FormatInt(done.Same, 10), strconv.FormatInt(done.Newer, 10))
		if c.DryRun {
			p.say("This was a dry run: the file is whole, nothing is changed.")
		}
		return t.Write(p.Stdout, p.style())
	})
}
