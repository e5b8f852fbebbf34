package redismirror

import (
	"sync"

	"github.com/gennaker/gennaker/clusters"
)

// maxDecoded bounds the packed size of the slices that are kept decoded, in
// bytes; decoded they take some twenty times as much.
const maxDecoded = 4 << 20

// decoded keeps the last decoded form of slices: screens ask for the same few
// again and again, and most of them have not changed. Slices are shared and
// never changed.
type decoded struct {
	mu    sync.Mutex
	bytes int
	byKey map[string]kept
}

type kept struct {
	document string
	slice    clusters.Slice
}

// slice decodes a document, unless it is the one that the key had last.
func (d *decoded) slice(key, document string) (clusters.Slice, error) {
	d.mu.Lock()
	k, ok := d.byKey[key]
	d.mu.Unlock()
	if ok && k.document == document {
		return k.slice, nil
	}
	var s clusters.Slice
	if err := decode(document, &s); err != nil {
		return s, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = map[string]kept{}
	}
	d.bytes += len(document) - len(d.byKey[key].document)
	d.byKey[key] = kept{document: document, slice: s}
	for other, k := range d.byKey {
		if d.bytes <= maxDecoded {
			break
		}
		d.bytes -= len(k.document)
		delete(d.byKey, other)
	}
	return s, nil
}
