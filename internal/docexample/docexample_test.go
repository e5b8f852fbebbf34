package docexample_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/internal/docexample"
)

const source = `package p

// A does this.
//
//	{"type": "a",
//	 "deep": {"type": "inner"}}
//
// More about it.
//
//	not this
type A struct{}

// B has none.
type B struct{}

type (
	// C stands in a group.
	//
	//	{"type": "c"}
	C int
	D int
)

// F is no type.
//
//	{"type": "f"}
func F() {}
`

func TestIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte(source), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a_test.go"), []byte("package p\n\n// T\n//\n//\t{}\ntype T int\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "README.md"), []byte("not Go"), 0o600))
	got, err := docexample.In(dir)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "{\"type\": \"a\",\n \"deep\": {\"type\": \"inner\"}}", "C": `{"type": "c"}`}, got)

	_, err = docexample.In(filepath.Join(dir, "none"))
	require.Error(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.go"), []byte("pack"), 0o600))
	_, err = docexample.In(dir)
	require.Error(t, err)
}

func TestRetype(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"refId": "1", "type": "b", "deep": {"type": "inner"}}`, docexample.Retype(`{"refId": "1", "type":"a", "deep": {"type": "inner"}}`, "b"))
	require.Equal(t, `{}`, docexample.Retype(`{}`, "b"))
}
