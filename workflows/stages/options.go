package stages

import (
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Options are the choices of an operator that change how stages run.
type Options struct {
	// WindowZone is the time zone of execution windows; see [RestrictExecution].
	WindowZone string
	// ConditionClusters and Conditions hold deployments back; see
	// [WaitForCondition].
	ConditionClusters, Conditions []string
	// Preconfigured are webhooks of the installation's own; see
	// [PreconfiguredWebhook].
	Preconfigured []pipeline.PreconfiguredWebhook
}

// Configured is [All] with the choices of an operator.
func Configured(o Options) []workflows.StageType {
	types := All()
	for i, t := range types {
		switch t := t.(type) {
		case RestrictExecution:
			types[i] = RestrictExecution{Zone: o.WindowZone}
		case WaitForCondition:
			types[i] = WaitForCondition{Clusters: o.ConditionClusters, Conditions: o.Conditions}
		case PreconfiguredWebhook:
			t.definitions = o.Preconfigured
			types[i] = t
		}
	}
	return types
}
