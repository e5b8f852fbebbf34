package httpjson_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

type embedded struct {
	B int `json:"b"`
}

type odd struct {
	embedded
	A     string `json:"a"`
	Quote int    `json:"quote,string"`
}

type even struct {
	Z       *string                `json:"z"`
	Y       *int                   `json:"y,omitempty"`
	X       []string               `json:"x"`
	W       []string               `json:"w,omitempty"`
	V       map[string]embedded    `json:"v"`
	U       map[string]string      `json:"u,omitempty"`
	T       any                    `json:"t"`
	S       float64                `json:"s"`
	R       time.Time              `json:"r"`
	Q       []byte                 `json:"q"`
	P       pipeline.Map           `json:"p,omitempty"`
	O       pipeline.Map           `json:"o"`
	N       map[pipeline.Code]bool `json:"n"`
	Hidden  string                 `json:"-"`
	Unnamed string
	private string
	M       map[string]any `json:"m"`
	L       map[int]string `json:"l"`
	K       uint8          `json:"k"`
	J       *embedded      `json:"j"`
	I       embedded       `json:"i,omitempty"`
}

// execution holds every kind of field that answers have.
func execution(stages int) *pipeline.Execution {
	x := &pipeline.Execution{ID: "x", Type: pipeline.TypePipeline, Application: "shop <&> é\u2028\"\\\n\x01", Notifications: []pipeline.Map{{"b": int64(1), "a": 5.0}},
		Trigger: pipeline.Trigger{Type: "manual", Other: pipeline.Map{"zz": nil, "aa": true}, Artifacts: []pipeline.Artifact{{Type: "docker/image", Metadata: pipeline.Map{"id": "1"}}}}}
	for i := range stages {
		x.Stages = append(x.Stages, &pipeline.Stage{ID: fmt.Sprint(i), RefID: fmt.Sprint(i), Type: "deployManifest", Name: "Deploy", Status: pipeline.Running, RequisiteStageRefIDs: []string{"1"},
			Context: pipeline.Map{"account": "prod", "manifests": []any{map[string]any{"kind": "Deployment", "metadata": map[string]any{"name": "x", "labels": map[string]any{"a": "b", "c": "d"}}, "spec": map[string]any{"replicas": int64(3), "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "nginx:1", "name": "web"}}}}}}}},
			Outputs: pipeline.Map{"a": "b"}, Tasks: []*pipeline.Task{{ID: "1", Name: "deploy"}, {ID: "2", Name: "wait", TaskException: pipeline.Map{"e": "x"}}, {ID: "3", Name: "done"}},
			LastModified: &pipeline.LastModified{User: "me"}})
	}
	return x
}

func TestEncodeSaysWhatEncodingJSONSays(t *testing.T) {
	t.Parallel()
	text, number := "text", 7
	for i, v := range []any{
		nil, true, 1, "x", []any{1, "a", nil}, map[string]any{"b": 1, "a": 2.5}, []string(nil),
		even{}, &even{}, even{Z: &text, Y: &number, X: []string{}, W: []string{"a"}, V: map[string]embedded{"b": {1}, "a": {2}}, U: map[string]string{"k": "v"},
			T: map[string]any{"x": []any{1.5}}, S: 3, R: time.Unix(1, 0).UTC(), Q: []byte("bytes"), P: pipeline.Map{"p": int64(1)}, O: pipeline.Map{}, N: map[pipeline.Code]bool{"x": true},
			Hidden: "h", Unnamed: "u", private: "p", M: map[string]any{}, L: map[int]string{2: "b", 1: "a"}, K: 9, J: &embedded{3}},
		odd{embedded{1}, "a", 2}, []odd{{}}, execution(3), execution(0).Summary(), execution(400), (*pipeline.Execution)(nil), []*pipeline.Execution{execution(1), nil},
		struct{ E error }{}, httpjson.Error{Message: "m"},
	} {
		want, err := pipeline.ToValue(v)
		require.NoError(t, err)
		expected, err := pipeline.EncodeValue(want)
		require.NoError(t, err)
		got, err := httpjson.Encode(v)
		require.NoError(t, err, i)
		require.Equal(t, string(expected), string(got), i)
		var streamed bytes.Buffer
		require.NoError(t, httpjson.EncodeTo(&streamed, v), i)
		require.Equal(t, string(expected), streamed.String(), i)
	}
	whole, err := httpjson.Encode(struct {
		A any `json:"a"`
		B any `json:"b"`
	}{5.0, []any{6.0}})
	require.NoError(t, err)
	require.Equal(t, `{"a":5.0,"b":[6.0]}`, string(whole), "a decimal from a document stays one")
	for _, bad := range []any{math.NaN(), func() {}, map[string]any{"a": make(chan int)}, []any{math.Inf(1)}, even{T: func() {}}} {
		_, err := httpjson.Encode(bad)
		require.Error(t, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	x := execution(100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := httpjson.Encode(x); err != nil {
			b.Fatal(err)
		}
	}
}
