package payload

import (
	"errors"
	"net/http"
	"sync"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// maxAnswer bounds what one request to the endpoint may have decoded, in bytes.
const maxAnswer = 64 << 20

// Handler returns the codec endpoint for Temporal's web UI and command line: it
// answers POST requests whose paths end in /encode, /decode and /download.
// Whoever may call it can read every payload. The caller bounds the request's
// body.
func (p *Payloads) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := &budget{left: maxAnswer}
		h, err := converter.NewPayloadHTTPHandler(converter.PayloadHTTPHandlerOptions{
			PreStorageCodecs: []converter.PayloadCodec{boundCodec{p.narrow, b}},
			ExternalStorage: converter.ExternalStorage{
				Drivers: []converter.StorageDriver{boundDriver{p.driver, b}}, PayloadSizeThreshold: p.inline,
			},
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		h.ServeHTTP(&statusWriter{ResponseWriter: w, budget: b}, r)
	})
}

// budget bounds one request's memory and remembers why it failed: the SDK's
// handler answers 400 to everything.
type budget struct {
	mu   sync.Mutex
	left int64
	err  error
}

func (b *budget) take(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left -= size; b.left < 0 {
		b.err = pipeline.Errorf(pipeline.CodeTooLarge, "The payloads are over %d bytes in all: ask for fewer at once.", maxAnswer)
		return b.err
	}
	return nil
}

func (b *budget) note(err error) error {
	if err != nil {
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
	}
	return err
}

// status returns the HTTP status of a failure, 400 for one that is not ours.
func (b *budget) status() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var p *pipeline.Error
	if !errors.As(b.err, &p) {
		return http.StatusBadRequest
	}
	return httpjson.Status(p.Code)
}

// boundCodec is the codec with a budget.
type boundCodec struct {
	*Codec
	budget *budget
}

// Encode implements converter.PayloadCodec.
func (c boundCodec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	out, err := c.Codec.Encode(payloads)
	return out, c.budget.note(err)
}

// Decode implements converter.PayloadCodec.
func (c boundCodec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, func(p *common.Payload) (*common.Payload, error) {
		out, err := c.open(p)
		if err != nil {
			return nil, c.budget.note(err)
		}
		return out, c.budget.take(int64(len(out.GetData())))
	})
}

// boundDriver is the driver with a budget.
type boundDriver struct {
	*driver
	budget *budget
}

// Store implements converter.StorageDriver.
func (d boundDriver) Store(ctx converter.StorageDriverStoreContext, payloads []*common.Payload) ([]converter.StorageDriverClaim, error) {
	claims, err := d.driver.Store(ctx, payloads)
	return claims, d.budget.note(err)
}

// Retrieve implements converter.StorageDriver.
func (d boundDriver) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	for _, claim := range claims {
		_, size, err := readClaim(claim)
		if err != nil {
			return nil, d.budget.note(err)
		}
		if err := d.budget.take(size); err != nil {
			return nil, err
		}
	}
	payloads, err := d.driver.Retrieve(ctx, claims)
	return payloads, d.budget.note(err)
}

// statusWriter puts the failure's own status in place of the SDK's 400.
type statusWriter struct {
	http.ResponseWriter
	budget *budget
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusBadRequest {
		status = w.budget.status()
	}
	w.ResponseWriter.WriteHeader(status)
}
