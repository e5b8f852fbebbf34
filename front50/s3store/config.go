package s3store

import (
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/objectstore"
)

// Config says where configuration is kept and how fresh the copy in memory is.
// The tags make it a group of command line flags and environment variables. Zero
// fields take the defaults that the tags name.
type Config struct {
	// ObjectStore is the bucket, which other parts of Gennaker share.
	ObjectStore objectstore.Config `kong:"-"`
	// RootFolder is the prefix of every key, Spinnaker's spinnaker.s3.rootFolder.
	RootFolder string `help:"Folder in the bucket that holds configuration (Spinnaker's rootFolder)." default:"front50"`
	// Refresh is the time between two full comparisons of the copy in memory
	// with the bucket. Changes announced by a change marker are seen by the next
	// list; only deletions by other processes wait for it.
	Refresh time.Duration `help:"Time between two full comparisons of the copy in memory with the bucket." default:"30s"`
	// StartTimeout bounds the wait for an object store that does not answer yet.
	StartTimeout time.Duration `help:"How long to wait at the start for an object store that does not answer yet." default:"60s"`
}

// Defaults of a zero Config.
const (
	defaultRootFolder   = "front50"
	defaultBucket       = "gennaker"
	defaultRefresh      = 30 * time.Second
	defaultStartTimeout = 60 * time.Second
)

func (c Config) withDefaults() Config {
	c.RootFolder = strings.Trim(c.RootFolder, "/")
	if c.RootFolder == "" {
		c.RootFolder = defaultRootFolder
	}
	if c.ObjectStore.Bucket == "" {
		c.ObjectStore.Bucket = defaultBucket
	}
	if c.Refresh <= 0 {
		c.Refresh = defaultRefresh
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = defaultStartTimeout
	}
	return c
}
