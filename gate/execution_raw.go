package gate

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/internal/packed"
	"github.com/gennaker/gennaker/pipeline"
)

// wholeAnswer is the size of JSON up to which an answer is made whole before it
// is sent; larger ones go out in pieces.
const wholeAnswer = 1 << 20

// getExecution answers with an execution as its store keeps it, so that a large
// one is neither decoded nor held in memory.
func getExecution(r *request) error {
	if wantsYAML(r.GetHeader("Accept")) {
		record, err := r.find(pipeline.TypePipeline)
		if err != nil {
			return err
		}
		return r.answer(http.StatusOK, record.Execution)
	}
	id := r.param("id")
	err := r.server.executions.Document(r.ctx(), id, func(d executions.Document) error {
		if d.Type != pipeline.TypePipeline {
			return unknownExecution(pipeline.TypePipeline, id)
		}
		if err := r.mayUse(d.Application, fiat.Read); err != nil {
			return err
		}
		if d.Packed == "" {
			return r.answer(http.StatusOK, d.Execution)
		}
		return r.pass(d.Packed)
	})
	if pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return unknownExecution(pipeline.TypePipeline, id)
	}
	return err
}

// pass answers with a packed document, as it is for clients that take gzip.
func (r *request) pass(document string) error {
	h := r.Writer.Header()
	gzipped := strings.Contains(r.GetHeader("Accept-Encoding"), "gzip")
	if size := packed.Size(document); size < gzipFrom || size <= wholeAnswer && !gzipped {
		body, err := packed.Unpack(document, wholeAnswer)
		if err != nil {
			return pipeline.Wrap(pipeline.CodeInternal, err, "the stored execution cannot be read")
		}
		r.write(http.StatusOK, "application/json", body)
		return nil
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept-Encoding")
	if gzipped {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(document)))
		r.Writer.WriteHeader(http.StatusOK)
		// Without WriterTo, which would hand the text over as a whole, for another
		// copy of it.
		_, _ = io.Copy(r.Writer, struct{ io.Reader }{strings.NewReader(document)}) // a client that went away cannot be told
		return nil
	}
	r.Writer.WriteHeader(http.StatusOK)
	if err := packed.Write(r.Writer, document); err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to tell a client that its answer is cut
	}
	return nil
}
