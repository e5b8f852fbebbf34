package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestIsEstablished(t *testing.T) {
	t.Parallel()
	established := map[string]any{"type": "Established", "status": "True"}
	for name, tt := range map[string]struct {
		status any
		want   bool
	}{
		"no status yet":     {nil, false},
		"null conditions":   {map[string]any{"conditions": nil}, false},
		"none":              {map[string]any{"conditions": []any{}}, false},
		"names are refused": {map[string]any{"conditions": []any{map[string]any{"type": "NamesAccepted", "status": "True"}}}, false},
		"not established":   {map[string]any{"conditions": []any{map[string]any{"type": "Established", "status": "False"}}}, false},
		"established":       {map[string]any{"conditions": []any{"odd", established}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := map[string]any{}
			if tt.status != nil {
				object["status"] = tt.status
			}
			require.Equal(t, tt.want, isEstablished(&unstructured.Unstructured{Object: object}))
		})
	}
}
