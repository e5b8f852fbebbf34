package stages

import (
	"strconv"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// ResizeServerGroup is the resize that user interfaces send as a task: it sets a
// workload's replicas and waits until it is stable (reference: clouddriver section
// 4). The other providers' resize is not available.
//
//	{"type": "resizeServerGroup", "refId": "1", "name": "Resize", "account": "prod",
//	 "cloudProvider": "kubernetes", "region": "shop",
//	 "serverGroupName": "replicaSet web-v001", "capacity": {"min": 3, "max": 3, "desired": 3}}
type ResizeServerGroup struct{}

var (
	_ workflows.StageType  = ResizeServerGroup{}
	_ workflows.Caller     = ResizeServerGroup{}
	_ workflows.Checker    = ResizeServerGroup{}
	_ workflows.Receiver   = ResizeServerGroup{}
	_ workflows.Documented = ResizeServerGroup{}
)

// Type implements workflows.StageType.
func (ResizeServerGroup) Type() string { return "resizeServerGroup" }

// Tasks implements workflows.StageType.
func (ResizeServerGroup) Tasks(s *pipeline.Stage) []workflows.Task {
	return []workflows.Task{
		instant("determineHealthProviders"),
		{Name: "resizeServerGroup", Timeout: operationTimeout, Run: resize},
		instant("monitorServerGroup"),
		instant("forceCacheRefresh"),
		{Name: "waitForCapacityMatch", Timeout: stableTimeout(s), Run: waitForStable},
	}
}

// Check implements workflows.Checker.
func (ResizeServerGroup) Check(s *pipeline.Stage) error {
	if provider := s.Context.String("cloudProvider"); provider != "" && !strings.EqualFold(provider, "kubernetes") {
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' resizes a server group of the cloud provider %s, which this version does not have: it resizes Kubernetes workloads.", s.Name, provider)
	}
	if s.Context["target"] != nil {
		return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' chooses its server group by target, which Kubernetes has not: set serverGroupName to \"kind name\".", s.Name)
	}
	return nil
}

func resize(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	s := t.Stage
	if err := (ResizeServerGroup{}).Check(s); err != nil {
		return workflows.Outcome{}, err
	}
	desired, ok := s.Context.Map("capacity").Int("desired")
	if !ok {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has no capacity: set capacity.desired to a whole number.", s.Name)
	}
	account, err := findAccount(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	in := activities.ManifestInput{Scope: t.Scope(), Account: account, Location: resizedIn(s), ManifestName: resized(s)}
	if in.ManifestName == "" {
		return workflows.Outcome{}, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' names no server group: set serverGroupName to \"kind name\".", s.Name)
	}
	if _, err := workflows.Call(ctx, t, activities.ScaleManifest, activities.ScaleManifestInput{ManifestInput: in, Replicas: desired, Resize: true}); err != nil {
		return workflows.Outcome{}, err
	}
	return workflows.Outcome{Context: updated(t, in)}, nil
}

func resized(s *pipeline.Stage) string {
	if name := strings.TrimSpace(s.Context.String("serverGroupName")); name != "" {
		return name
	}
	return strings.TrimSpace(s.Context.String("asgName"))
}

func resizedIn(s *pipeline.Stage) string {
	if region := s.Context.String("region"); region != "" {
		return region
	}
	return s.Context.String("namespace")
}

// Received implements workflows.Receiver: what the object waits for.
func (ResizeServerGroup) Received(*pipeline.Stage) []string { return waitingKeys }

// Calls implements workflows.Caller.
func (ResizeServerGroup) Calls(s *pipeline.Stage) []string {
	desired, _ := s.Context.Map("capacity").Int("desired")
	return []string{"scale to " + strconv.FormatInt(desired, 10) + " replicas " + resized(s) + " in " + resizedIn(s) + " on account " + accountOf(s)}
}

// Describe implements workflows.Documented.
func (ResizeServerGroup) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Sets the replicas of a Kubernetes workload and waits until it is stable. User interfaces send it as a task; in pipelines there is scaleManifest.",
		Inputs: []workflows.Field{
			accountField, providerField,
			{Name: "region", Type: "namespace", Text: "Where the workload is; also `namespace`."},
			{Name: "serverGroupName", Type: "text", Text: "\"kind name\", for example \"replicaSet web-v001\"; also `asgName`."},
			{Name: "capacity", Type: "map", Text: "`desired` replicas; `min` and `max` are passed over."},
			stableField,
		},
		Notes: []string{"Other cloud providers' server groups are refused, and so is `target`.", stabilityNote},
	}
}
