package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline/expr"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"plain": nil,
		"${ tag }-${parameters['tag']}-${parameters.tag.length()}":         {"tag", "parameters.tag"},
		"${ trigger.buildInfo.artifacts.?[ fileName == name ][0].url }":    {"trigger.buildInfo"},
		"${ execution.stages.![ refId ].contains(#root.which) }":           {"execution.stages", "which"},
		"${ #toInt(parameters.n) + 1 > 3 ? { a } : {'k': b} }":             {"#toInt", "parameters.n", "a", "b"},
		"${ new java.util.Date().getTime() + T(java.lang.Math).random() }": {"new java.util.Date", "T(java.lang.Math)"},
		"${ !flag || other?.deep[ index ] }":                               {"flag", "other.deep", "index"},
		"${ #stage('Bake')['status'] }":                                    {"#stage", "execution"},
	} {
		parsed, err := expr.Parse(text, expr.Limits{})
		require.NoError(t, err, text)
		require.Equal(t, want, parsed.Names(), text)
	}
}
