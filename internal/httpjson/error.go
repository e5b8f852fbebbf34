package httpjson

import (
	"net/http"
	"time"
)

// WriteError answers with the status and body of err. Logging it is the
// caller's business. An error that asks for a pause sets Retry-After.
func WriteError(w http.ResponseWriter, err error) {
	body := ErrorOf(err, time.Now().UnixMilli())
	if body.Status == http.StatusServiceUnavailable || body.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	// A client that went away cannot be told anything; the body always encodes.
	_ = Write(w, body.Status, body)
}
