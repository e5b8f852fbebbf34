package executions

import (
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// forms are an execution's two packed documents.
type forms struct{ full, short []byte }

// Pack returns r with its packed documents, so that several stores which keep
// it share the work. Its execution must not change any more. It fails with
// internal for an execution that JSON cannot hold.
func (r Record) Pack() (Record, error) {
	full, short, err := r.Packed()
	if err == nil {
		r.forms = &forms{full, short}
	}
	return r, err
}

// Packed returns the execution and its short form ([pipeline.Execution.Summary])
// as packed documents, with the errors of [Record.Pack]. They are shared: nobody
// may change them.
func (r Record) Packed() (full, short []byte, err error) {
	if r.forms != nil {
		return r.forms.full, r.forms.short, nil
	}
	if full, err = packed.Pack(r.Execution); err == nil {
		short, err = packed.Pack(r.Execution.Summary())
	}
	if err != nil {
		return nil, nil, pipeline.Wrap(pipeline.CodeInternal, err, "The execution %s cannot be written as JSON.", r.Execution.ID)
	}
	return full, short, nil
}
