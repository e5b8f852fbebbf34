package clouddriver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/gennaker/gennaker/activities"
)

// activityEnvironment runs the rig's activities as a Temporal worker would.
func activityEnvironment(r *rig) *testsuite.TestActivityEnvironment {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	activities.RegisterClouddriver(env, r.Clouddriver)
	return env
}

func execute[In, Out any](t *testing.T, env *testsuite.TestActivityEnvironment, call activities.Call[In, Out], in In) Out {
	t.Helper()
	value, err := env.ExecuteActivity(call.Name, in)
	require.NoError(t, err)
	var out Out
	require.NoError(t, value.Get(&out))
	return out
}

// listen forwards heartbeat details that are of type T.
func listen[T any](to chan T) func(*activity.Info, converter.EncodedValues) {
	return func(_ *activity.Info, details converter.EncodedValues) {
		var value T
		if details.HasValues() && details.Get(&value) == nil {
			to <- value
		}
	}
}
