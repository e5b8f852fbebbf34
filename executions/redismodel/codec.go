package redismodel

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/gennaker/gennaker/pipeline"
)

// Values are JSON, compressed when that pays; the first byte tells.
const (
	plainValue      byte = 0
	compressedValue byte = 1
	// compressFrom is the size in bytes from which values are compressed.
	compressFrom = 1 << 10
	// maxValue bounds a value after decompression.
	maxValue = 256 << 20
)

type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec() codec {
	// These options are constants within the library's bounds: neither fails.
	encoder, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true))
	decoder, _ := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxValue), zstd.WithDecoderConcurrency(2))
	return codec{encoder, decoder}
}

func (c codec) encode(e *pipeline.Execution) ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode execution %s: %w", e.ID, err)
	}
	if len(b) < compressFrom {
		return append([]byte{plainValue}, b...), nil
	}
	return c.encoder.EncodeAll(b, []byte{compressedValue}), nil
}

func (c codec) decode(b []byte) (*pipeline.Execution, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("the value is empty")
	}
	kind, b := b[0], b[1:]
	switch kind {
	case plainValue:
	case compressedValue:
		var err error
		if b, err = c.decoder.DecodeAll(b, nil); err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
	default:
		return nil, fmt.Errorf("unknown kind of value %d", kind)
	}
	var e pipeline.Execution
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, err
	}
	return &e, nil
}
