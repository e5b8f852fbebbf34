package stages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/workflows/stages"
)

func TestConfigured(t *testing.T) {
	t.Parallel()
	types := stages.Configured(stages.Options{WindowZone: "Europe/Berlin", ConditionClusters: []string{"c"}, Conditions: []string{"freeze"}})
	require.Len(t, types, len(stages.All()))
	require.Contains(t, types, stages.RestrictExecution{Zone: "Europe/Berlin"})
	require.Contains(t, types, stages.WaitForCondition{Clusters: []string{"c"}, Conditions: []string{"freeze"}})
	require.NotContains(t, types, stages.RestrictExecution{})
}
