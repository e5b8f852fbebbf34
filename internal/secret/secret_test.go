package secret_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/secret"
)

func TestResolve(t *testing.T) {
	t.Setenv("GENNAKER_TEST_SECRET", "from env")
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, []byte(content), 0o600))
		return p
	}
	tests := map[string]struct{ ref, want, fault string }{
		"empty":          {ref: "", want: ""},
		"file":           {ref: "file:" + write("a", "s3cret\r\n"), want: "s3cret"},
		"inner lines":    {ref: "file:" + write("b", "one\ntwo\n"), want: "one\ntwo"},
		"env":            {ref: "env:GENNAKER_TEST_SECRET", want: "from env"},
		"empty file":     {ref: "file:" + write("c", "\n"), fault: "is empty"},
		"large file":     {ref: "file:" + write("d", string(make([]byte, 70<<10))), fault: "should hold the secret alone"},
		"missing file":   {ref: "file:" + filepath.Join(dir, "none"), fault: "no such file"},
		"missing env":    {ref: "env:GENNAKER_TEST_NONE", fault: "GENNAKER_TEST_NONE"},
		"plain secret":   {ref: "hunter2", fault: "by reference"},
		"unknown scheme": {ref: "vault:hunter2", fault: "by reference"},
		"nothing named":  {ref: "env:", fault: "by reference"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := secret.Resolve(t.Context(), tt.ref)
			if tt.fault == "" {
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				return
			}
			require.ErrorContains(t, err, tt.fault)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
