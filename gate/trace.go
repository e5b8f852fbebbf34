package gate

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced begins the span of a request, below that of a client which names one.
// Queries and bodies stay out: people put reasons and expressions of their own
// there.
func (s *Server) traced(r *http.Request, rt *route) (*http.Request, trace.Span) {
	if s.tracer == nil || rt.Quiet {
		return r, trace.SpanFromContext(r.Context())
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.tracer.Start(ctx, knownMethod(r.Method)+" "+rt.label(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", knownMethod(r.Method)), attribute.String("http.route", rt.label())))
	return r.WithContext(ctx), span
}

// endSpan says how a request ended.
func endSpan(span trace.Span, r *request) {
	status := r.Writer.Status()
	span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("gennaker.request", r.id))
	if id := r.values["id"]; id != "" {
		span.SetAttributes(attribute.String("gennaker.execution", id))
	}
	if application := r.values["application"]; application != "" {
		span.SetAttributes(attribute.String("gennaker.application", application))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}
