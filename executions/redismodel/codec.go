package redismodel

import (
	"encoding/json"

	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

const (
	// maxValue bounds the JSON of an execution.
	maxValue = 256 << 20
	// largeValue is the size of JSON from which few executions are decoded at
	// once: decoded, one takes several times its size in memory.
	largeValue = 8 << 20
	// largeAtOnce is how many those are.
	largeAtOnce = 2
)

// codec turns packed documents into executions.
type codec struct {
	// large holds a token for each large execution that is being decoded.
	large chan struct{}
}

func newCodec() codec { return codec{large: make(chan struct{}, largeAtOnce)} }

func (c codec) decode(p string) (*pipeline.Execution, error) {
	if packed.Size(p) >= largeValue {
		c.large <- struct{}{}
		defer func() { <-c.large }()
	}
	b, err := packed.Unpack(p, maxValue)
	if err != nil {
		return nil, err
	}
	var e pipeline.Execution
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, err
	}
	return &e, nil
}
