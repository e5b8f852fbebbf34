package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline/expr"
)

func TestTypesListsWhatExpressionsMayUse(t *testing.T) {
	types := map[string]expr.Type{}
	for _, x := range expr.Types() {
		types[x.Name] = x
	}
	require.Contains(t, types["java.lang.String"].Methods, "substring(int,int)")
	require.Contains(t, types["java.lang.String"].Static, "format(String,Object...)")
	require.Contains(t, types["java.util.Date"].Constructors, "new(long)")
	require.True(t, types["java.time.LocalDate"].Named)
	require.False(t, types["Map"].Named)
	require.NotContains(t, types["Map"].Methods, "get(Object)")
	named := 0
	for _, x := range types {
		if x.Named {
			named++
		}
	}
	require.Equal(t, 17, named, "every type of the filter but TemporalAdjusters, none of whose methods pass it")
}
