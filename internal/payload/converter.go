package payload

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
)

// NewDataConverter returns the SDK's data converter with the codec around it.
//
// Inside workflow code a payload that cannot be decoded fails the workflow's
// task, which Temporal tries again, and not the workflow: what is missing is a
// key of this worker. A value that does not fit its Go type stays an error.
func NewDataConverter(codec *Codec) converter.DataConverter {
	// A worker that decodes megabytes on a busy machine has not hung.
	return workflow.DataConverterWithoutDeadlockDetection(&dataConverter{codec: codec, plain: converter.GetDefaultDataConverter()})
}

type dataConverter struct {
	codec *Codec
	plain converter.DataConverter
	// inWorkflow is set for conversions that workflow code asks for.
	inWorkflow bool
}

var (
	_ converter.DataConverter = (*dataConverter)(nil)
	_ workflow.ContextAware   = (*dataConverter)(nil)
)

// WithWorkflowContext implements workflow.ContextAware.
func (d *dataConverter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return &dataConverter{codec: d.codec, plain: d.plain, inWorkflow: true}
}

// WithContext implements workflow.ContextAware.
func (d *dataConverter) WithContext(context.Context) converter.DataConverter { return d }

// ToPayload implements converter.DataConverter.
func (d *dataConverter) ToPayload(value any) (*common.Payload, error) {
	p, err := d.plain.ToPayload(value)
	if p == nil || err != nil {
		return p, err
	}
	return d.codec.seal(p)
}

// ToPayloads implements converter.DataConverter.
func (d *dataConverter) ToPayloads(values ...any) (*common.Payloads, error) {
	ps, err := d.plain.ToPayloads(values...)
	if ps == nil || err != nil {
		return ps, err
	}
	if ps.Payloads, err = d.codec.Encode(ps.GetPayloads()); err != nil {
		return nil, err
	}
	return ps, nil
}

// FromPayload implements converter.DataConverter.
func (d *dataConverter) FromPayload(p *common.Payload, into any) error {
	if p == nil {
		return nil
	}
	plain, err := d.codec.open(p)
	if err != nil {
		return d.unreadable(err)
	}
	return d.plain.FromPayload(plain, into)
}

// FromPayloads implements converter.DataConverter.
func (d *dataConverter) FromPayloads(ps *common.Payloads, into ...any) error {
	if ps == nil {
		return d.plain.FromPayloads(nil, into...)
	}
	plain, err := d.codec.Decode(ps.GetPayloads())
	if err != nil {
		return d.unreadable(err)
	}
	return d.plain.FromPayloads(&common.Payloads{Payloads: plain}, into...)
}

// ToString implements converter.DataConverter.
func (d *dataConverter) ToString(p *common.Payload) string {
	plain, err := d.codec.open(p)
	if err != nil {
		return err.Error()
	}
	return d.plain.ToString(plain)
}

// ToStrings implements converter.DataConverter.
func (d *dataConverter) ToStrings(ps *common.Payloads) []string {
	var out []string
	for _, p := range ps.GetPayloads() {
		out = append(out, d.ToString(p))
	}
	return out
}

// unreadable fails the workflow's task by the one way that the SDK has for it.
func (d *dataConverter) unreadable(err error) error {
	if d.inWorkflow {
		panic(err) //nolint:forbidigo // an error would end the execution; a panic is recovered by the SDK and the task tried again
	}
	return err
}
