package payload

import (
	"crypto/cipher"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/gennaker/gennaker/pipeline"
)

// MaxSize bounds one value, in bytes. It is far above what an execution grows
// to, since a workflow whose own state could not be carried on would stand still.
const MaxSize = 256 << 20

// compressFrom is the size in bytes from which a payload is compressed. Below it
// nothing would be gained, and Temporal's own tools can read it as it is.
const compressFrom = 4 << 10

// Encodings that [Codec] writes. They stand in histories and never change.
const (
	encodingZstd      = "binary/zstd"
	encodingEncrypted = "binary/encrypted"
)

// Metadata of an encrypted payload; both names are those of Temporal's samples.
const (
	metadataKeyID  = "encryption-key-id"
	metadataCipher = "encryption-cipher"
	cipherName     = "AES-256-GCM"
)

// Codec compresses large payloads and, with keys, encrypts all. It calls nobody
// and is safe for concurrent use.
type Codec struct {
	keys    *Keyring
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

var _ converter.PayloadCodec = (*Codec)(nil)

// NewCodec returns a codec; without keys it encrypts nothing.
func NewCodec(keys *Keyring) (*Codec, error) { return newCodec(keys, MaxSize) }

// newCodec returns a codec that decompresses payloads of at most limit bytes.
func newCodec(keys *Keyring, limit uint64) (*Codec, error) {
	// A window of 1 MiB costs little of the ratio and most of the memory.
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true),
		zstd.WithAllLitEntropyCompression(true)) // certificates and the like repeat nothing and still shrink
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(limit), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("set up decompression: %w", err)
	}
	return &Codec{keys: keys, encoder: encoder, decoder: decoder}, nil
}

// Encode implements converter.PayloadCodec. It returns too_large for a payload
// beyond [MaxSize].
func (c *Codec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, c.seal)
}

// Decode implements converter.PayloadCodec. Payloads that no codec encoded come
// back as they are. It returns invalid for one that is damaged and unavailable
// for one whose key is not configured.
func (c *Codec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	return each(payloads, c.open)
}

// each applies f to all payloads. The list that came in comes back when nothing
// changed, which is the common case and then costs nothing.
func each(payloads []*common.Payload, f func(*common.Payload) (*common.Payload, error)) ([]*common.Payload, error) {
	out := payloads
	for i, p := range payloads {
		changed, err := f(p)
		if err != nil {
			return nil, err
		}
		if changed == p {
			continue
		}
		if &out[0] == &payloads[0] {
			out = append([]*common.Payload(nil), payloads...)
		}
		out[i] = changed
	}
	return out, nil
}

func (c *Codec) seal(p *common.Payload) (*common.Payload, error) {
	size := len(p.GetData())
	if size > MaxSize {
		return nil, pipeline.Errorf(pipeline.CodeTooLarge, "A value is %d bytes: at most %d can be kept. Split it, or leave it where it is and pass its address.", size, MaxSize)
	}
	if size >= compressFrom {
		smaller, err := c.compress(p)
		if err != nil {
			return nil, err
		}
		p = smaller
	}
	if c.keys == nil {
		return p, nil
	}
	return c.encrypt(p)
}

func (c *Codec) open(p *common.Payload) (*common.Payload, error) {
	if string(p.GetMetadata()[converter.MetadataEncoding]) == encodingEncrypted {
		inner, err := c.decrypt(p)
		if err != nil {
			return nil, err
		}
		p = inner
	}
	if string(p.GetMetadata()[converter.MetadataEncoding]) == encodingZstd {
		return c.decompress(p)
	}
	return p, nil
}

// compress returns p compressed, or p itself when that is not larger.
func (c *Codec) compress(p *common.Payload) (*common.Payload, error) {
	plain, err := marshal(p)
	if err != nil {
		return nil, err
	}
	data := c.encoder.EncodeAll(plain, make([]byte, 0, len(plain)/4))
	if len(data) >= len(plain) {
		return p, nil
	}
	return &common.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encodingZstd)},
		Data:     data,
	}, nil
}

func (c *Codec) decompress(p *common.Payload) (*common.Payload, error) {
	plain, err := c.decoder.DecodeAll(p.GetData(), nil)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "A compressed payload cannot be read: %s.", err)
	}
	return unmarshal(plain)
}

func (c *Codec) encrypt(p *common.Payload) (*common.Payload, error) {
	plain, err := marshal(p)
	if err != nil {
		return nil, err
	}
	id, key := c.keys.first()
	return &common.Payload{
		Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(encodingEncrypted),
			metadataCipher:             []byte(cipherName),
			metadataKeyID:              []byte(id),
		},
		// The nonce is random and comes first.
		Data: key.Seal(nil, nil, plain, []byte(id)),
	}, nil
}

func (c *Codec) decrypt(p *common.Payload) (*common.Payload, error) {
	id := string(p.GetMetadata()[metadataKeyID])
	if name := string(p.GetMetadata()[metadataCipher]); name != cipherName {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "A payload is encrypted by %.40q: only %s is known.", name, cipherName)
	}
	var key cipher.AEAD
	if c.keys != nil {
		key = c.keys.byID[id]
	}
	if key == nil {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "A payload is encrypted with the key %.80q, which is not configured: add it to payload-encryption-keys.", id)
	}
	plain, err := key.Open(nil, nil, p.GetData(), []byte(id))
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "A payload that names the key %.80q cannot be decrypted with it: the payload is damaged, or the name stands for another key.", id)
	}
	return unmarshal(plain)
}

// marshal writes a payload so that equal payloads become equal bytes.
func marshal(p *common.Payload) ([]byte, error) {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInternal, err, "A payload cannot be written: %s.", err)
	}
	return out, nil
}

func unmarshal(data []byte) (*common.Payload, error) {
	p := &common.Payload{}
	if err := proto.Unmarshal(data, p); err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "A payload cannot be read: %s.", err)
	}
	return p, nil
}
