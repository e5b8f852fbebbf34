package pipeline

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"web"`, Excerpt("web"))
	require.Equal(t, `5`, Excerpt(int64(5)))
	require.Equal(t, `{"a":[null,true]}`, Excerpt(Map{"a": []any{nil, true}}))
	require.Equal(t, "no JSON", Excerpt(math.Inf(1)))
	long := Excerpt(strings.Repeat("ü", 1000))
	require.True(t, utf8.ValidString(long))
	require.LessOrEqual(t, len(long), excerptBytes+len("…"))
	require.True(t, strings.HasSuffix(long, "…"))
}
