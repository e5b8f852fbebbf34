package payload_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/testkit"
)

// ask posts payloads to the endpoint as the Temporal UI does.
func ask(t *testing.T, p *payload.Payloads, path string, in []*common.Payload) (int, []*common.Payload, string) {
	t.Helper()
	body, err := protojson.Marshal(&common.Payloads{Payloads: in})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(string(body))))
	if w.Code != http.StatusOK {
		return w.Code, nil, w.Body.String()
	}
	var out common.Payloads
	require.NoError(t, protojson.Unmarshal(w.Body.Bytes(), &out))
	return w.Code, out.GetPayloads(), ""
}

func TestHandler(t *testing.T) {
	r := newRig(t, testkit.MinIO(t))
	secret := key(t, "first")
	p := r.payloads(secret)
	in := values(t, "small", manifests(400<<10))
	status, encoded, _ := ask(t, p, "/codec/encode", in)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "binary/encrypted", encoding(encoded[0]))
	require.Contains(t, string(encoded[1].GetData()), payload.DriverName)

	status, decoded, _ := ask(t, r.payloads(secret), "/codec/decode", encoded)
	require.Equal(t, http.StatusOK, status)
	requireEqual(t, in, decoded)

	// The UI asks for references as they are, and for what is behind one by one.
	_, decoded, _ = ask(t, p, "/codec/decode?preserveStorageRefs=true", encoded)
	requireEqual(t, []*common.Payload{in[0], encoded[1]}, decoded)
	_, decoded, _ = ask(t, p, "/codec/download", encoded[1:])
	requireEqual(t, in[1:], decoded)

	status, _, why := ask(t, r.payloads(), "/codec/decode", encoded[:1])
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, why, `"first", which is not configured`)

	r.store.Kill()
	status, _, why = ask(t, r.payloads(secret), "/codec/decode", encoded)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, why, "The object store did not give a value")
}

// One request does not make the process decode without end.
func TestHandlerIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, testkit.SharedMinIO(t))
	p := r.payloads()
	bomb, err := codec(t).Encode(values(t, strings.Repeat("0", 30<<20)))
	require.NoError(t, err)
	many := []*common.Payload{bomb[0], bomb[0], bomb[0]}
	status, _, why := ask(t, p, "/codec/decode", many)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Contains(t, why, "ask for fewer at once")

	_, references, _ := ask(t, p, "/codec/encode", values(t, manifests(400<<10)))
	require.Len(t, references, 1)
	lie := strings.NewReplacer(`"size"`, `"other"`).Replace(string(references[0].GetData()))
	status, _, why = ask(t, p, "/codec/decode", []*common.Payload{{Metadata: references[0].GetMetadata(), Data: []byte(lie)}})
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, why, "names the size")

	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/codec/decode", strings.NewReader("no JSON")))
	require.Equal(t, http.StatusBadRequest, w.Code)
}
