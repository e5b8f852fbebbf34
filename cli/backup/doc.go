// Package backup writes what a bucket holds to one file, and brings it back.
//
// The file is a tar archive, compressed with gzip:
//
//	gennaker-backup.json    what the file is: [Header]
//	objects/<key>           one object; its PAX records hold its checksum, and
//	                        what the store knows of it. With the history there is
//	                        one for each version, the oldest first.
//	end.json                how many objects there are, and a checksum over all:
//	                        [End]
//
// A file without its end was cut short and is refused. A restore reads the file
// twice: first to see that it is whole and what of it is to be written, which
// changes nothing, then to write. Neither keeps more than a few objects in memory.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	// format is the version of the file's format.
	format = 1
	// headerName, endName and objectsFolder are names in the archive.
	headerName    = "gennaker-backup.json"
	endName       = "end.json"
	objectsFolder = "objects/"
	// maxObject bounds one object, in bytes.
	maxObject = 1 << 30
	// maxNote bounds the header and the end, in bytes.
	maxNote = 1 << 20
	// inMemory is up to which size an object is kept in memory on its way, in
	// bytes; larger ones go through a temporary file.
	inMemory = 4 << 20
	// atOnce is how many objects are on their way at a time.
	atOnce = 8
)

// PAX records of an object.
const (
	paxPrefix       = "GENNAKER."
	paxChecksum     = paxPrefix + "sha256"
	paxETag         = paxPrefix + "etag"
	paxVersion      = paxPrefix + "version"
	paxContentType  = paxPrefix + "content-type"
	paxEncoding     = paxPrefix + "content-encoding"
	paxMeta         = paxPrefix + "meta." // followed by the name
	paxDeleteMarker = paxPrefix + "deleted"
	paxLatest       = paxPrefix + "latest"
)

// Header says what a backup is of.
type Header struct {
	Format  int       `json:"format"`
	Created time.Time `json:"created"`
	// Bucket and Endpoint are where it was taken from.
	Bucket   string `json:"bucket"`
	Endpoint string `json:"endpoint"`
	// Prefixes begin the keys of its objects.
	Prefixes []string `json:"prefixes"`
	// Root is the folder of configuration, one of Prefixes.
	Root string `json:"root"`
	// History is set when it holds earlier versions too.
	History bool `json:"history"`
}

// End closes a backup.
type End struct {
	// Objects counts objects, or versions of them; Bytes is their content's size.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Checksum is over the keys, sizes and checksums of all objects in their order.
	Checksum string `json:"checksum"`
}

// Progress is told how far a backup or restore has come.
type Progress func(objects, bytes int64)

// chain is the checksum over all objects.
type chain struct {
	hash hash.Hash
	end  End
}

func newChain() *chain { return &chain{hash: sha256.New()} }

func (c *chain) add(key, version, checksum string, size int64) {
	c.hash.Write([]byte(strconv.Quote(key) + " " + version + " " + strconv.FormatInt(size, 10) + " " + checksum + "\n"))
	c.end.Objects++
	c.end.Bytes += size
}

func (c *chain) sum() End {
	c.end.Checksum = hex.EncodeToString(c.hash.Sum(nil))
	return c.end
}

func broken(why string, args ...any) error {
	return pipeline.Errorf(pipeline.CodeInvalid, "The backup cannot be used: "+why, args...)
}
