package payload

import (
	"context"
	"regexp"
	"strconv"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/pipeline"
)

// DriverName names the store in every reference that stands in a history. It
// never changes.
const DriverName = "gennaker.objects"

// What a reference says about its object. The bucket is not among it, so that
// one can be moved.
const (
	claimHash = "sha256"
	claimSize = "size"
)

const (
	// refreshAfter is the age at which an object that is in use is written
	// again.
	refreshAfter = 30 * 24 * time.Hour
	// believedFor is how long an object that was seen is taken to be there
	// still.
	believedFor = time.Hour
)

// noStore is the error of a process without an object store that met a value
// which needs one.
type noStore struct{ cause *pipeline.Error }

// Error implements error.
func (n noStore) Error() string { return n.cause.Message }

// Unwrap returns the error with its code.
func (n noStore) Unwrap() error { return n.cause }

func errNoStore(what string) error {
	return noStore{pipeline.Errorf(pipeline.CodeTooLarge, "%s, and this worker has no object store: "+
		"set object-store-endpoint and its keys on the worker, or send less, for example by splitting the stage.", what)}
}

// driver keeps payloads in the object store for the SDK.
type driver struct {
	bucket *bucket // nil for a process without an object store
	cache  *cache
	now    func() time.Time
}

var _ converter.StorageDriver = (*driver)(nil)

// Name implements converter.StorageDriver.
func (d *driver) Name() string { return DriverName }

// Type implements converter.StorageDriver.
func (d *driver) Type() string { return "s3" }

// Store implements converter.StorageDriver.
func (d *driver) Store(ctx converter.StorageDriverStoreContext, payloads []*common.Payload) ([]converter.StorageDriverClaim, error) {
	if d.bucket == nil {
		return nil, errNoStore("The answer is too large for Temporal's history")
	}
	claims := make([]converter.StorageDriverClaim, len(payloads))
	group, inner := errgroup.WithContext(ctx.Context)
	for i, p := range payloads {
		group.Go(func() error {
			return ctx.GetLimiter().Permit(inner, p, func() (err error) {
				claims[i], err = d.store(inner, p)
				return err
			})
		})
	}
	return claims, group.Wait()
}

func (d *driver) store(ctx context.Context, p *common.Payload) (converter.StorageDriverClaim, error) {
	body, err := marshal(p)
	if err != nil {
		return converter.StorageDriverClaim{}, err
	}
	hash := hashOf(body)
	claim := converter.StorageDriverClaim{ClaimData: map[string]string{claimHash: hash, claimSize: strconv.Itoa(len(body))}}
	now := d.now()
	freshAfter := now.Add(-refreshAfter)
	if known, found := d.cache.get(hash); found && now.Sub(known.seen) < believedFor && known.modified.After(freshAfter) {
		return claim, nil
	}
	modified, err := d.bucket.put(ctx, hash, body, freshAfter)
	if err != nil {
		return converter.StorageDriverClaim{}, err
	}
	d.cache.put(entry{hash: hash, payload: p, seen: now, modified: modified})
	return claim, nil
}

// Retrieve implements converter.StorageDriver.
func (d *driver) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	if d.bucket == nil {
		return nil, errNoStore("The call's input is too large for Temporal's history and rests in the bucket")
	}
	payloads := make([]*common.Payload, len(claims))
	group, inner := errgroup.WithContext(ctx.Context)
	for i, claim := range claims {
		group.Go(func() error {
			return ctx.GetLimiter().Permit(inner, claim, func() (err error) {
				payloads[i], err = d.retrieve(inner, claim)
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return payloads, nil
}

func (d *driver) retrieve(ctx context.Context, claim converter.StorageDriverClaim) (*common.Payload, error) {
	hash, size, err := readClaim(claim)
	if err != nil {
		return nil, err
	}
	if known, found := d.cache.get(hash); found {
		return share(known.payload), nil
	}
	body, modified, err := d.bucket.get(ctx, hash, size)
	if err != nil {
		return nil, err
	}
	p, err := unmarshal(body)
	if err != nil {
		return nil, err
	}
	d.cache.put(entry{hash: hash, payload: p, seen: d.now(), modified: modified})
	return share(p), nil
}

// share returns a payload of its own over the same content, which nobody
// changes.
func share(p *common.Payload) *common.Payload {
	return &common.Payload{Metadata: p.GetMetadata(), Data: p.GetData(), ExternalPayloads: p.GetExternalPayloads()}
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// readClaim checks what a reference says: it comes from Temporal, or from
// anybody who may call the codec endpoint, and becomes a key in the bucket.
func readClaim(c converter.StorageDriverClaim) (hash string, size int64, err error) {
	hash = c.ClaimData[claimHash]
	if !sha256Hex.MatchString(hash) {
		return "", 0, pipeline.Errorf(pipeline.CodeInvalid, "A reference to a payload names the hash %.80q: 64 hexadecimal digits are expected.", hash)
	}
	size, err = strconv.ParseInt(c.ClaimData[claimSize], 10, 64)
	if err != nil || size < 0 || size > maxObject {
		return "", 0, pipeline.Errorf(pipeline.CodeInvalid, "A reference to the payload %s names the size %.20q: a number of bytes up to %d is expected.", hash, c.ClaimData[claimSize], maxObject)
	}
	return hash, size, nil
}

// maxObject bounds an object: a value of [MaxSize] with its metadata.
const maxObject = MaxSize + 1<<20
