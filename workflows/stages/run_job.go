package stages

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// RunJob runs a Kubernetes Job to its end (reference: orca section 6.1,
// clouddriver sections 4 and 11). A Job of the same name from an earlier run is
// replaced, and that run, if it still goes on, ends TERMINAL saying so; the same
// run never starts it twice. Cancelling the stage deletes the Job.
//
//	{"type": "runJobManifest", "alias": "runJob", "refId": "4", "name": "Test",
//	 "account": "prod", "cloudProvider": "kubernetes", "source": "text",
//	 "manifest": {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "test"}}}
type RunJob struct{}

var (
	_ workflows.StageType  = RunJob{}
	_ workflows.Aliased    = RunJob{}
	_ workflows.Canceller  = RunJob{}
	_ workflows.Restarter  = RunJob{}
	_ workflows.Caller     = RunJob{}
	_ workflows.Checker    = RunJob{}
	_ workflows.Receiver   = RunJob{}
	_ workflows.Documented = RunJob{}
)

// Type implements workflows.StageType.
func (RunJob) Type() string { return "runJob" }

// Aliases implements workflows.Aliased: the name that Deck writes.
func (RunJob) Aliases() []string { return []string{"runJobManifest"} }

// Tasks implements workflows.StageType.
func (RunJob) Tasks(s *pipeline.Stage) []workflows.Task {
	j := &job{}
	tasks := []workflows.Task{
		{Name: "runJob", Timeout: operationTimeout, Run: j.run},
		instant("monitorDeploy"),
		{Name: "promoteManifestKatoOutputs", Run: j.promote},
	}
	if waitsForCompletion(s) {
		tasks = append(tasks, workflows.Task{Name: "waitOnJobCompletion", Timeout: jobTimeout(s), Run: j.wait})
	}
	if _, present := s.Context["expectedArtifacts"]; present {
		tasks = append(tasks, withoutOutput(workflows.BindProducedArtifacts()))
	}
	if consumesArtifact(s) {
		tasks = append(tasks, consumeArtifact())
	}
	return tasks
}

// Check implements workflows.Checker.
func (RunJob) Check(s *pipeline.Stage) error {
	if err := checkSource(s); err != nil {
		return err
	}
	if fromArtifact(s) {
		return nil
	}
	// What is no manifest yet may be an expression.
	if manifests, err := flatten(s, jobKeys...); err == nil {
		return checkSingle(s, manifests)
	}
	return nil
}

// Received implements workflows.Receiver: what the cluster answered, and what the
// Job's containers said at their end.
func (RunJob) Received(s *pipeline.Stage) []string {
	properties := s.Context.Map("propertyFileContents")
	return append([]string{deployedKey, "jobStatus", "completionDetails", "propertyFileContents", "execution", stabilityKey}, slices.Sorted(maps.Keys(properties))...)
}

// jobKeys are where a stage holds its Job as text.
var jobKeys = []string{"manifest", "manifests"}

// checkSingle refuses any number of manifests but one.
func checkSingle(s *pipeline.Stage, manifests []pipeline.Map) error {
	if len(manifests) == 1 {
		return nil
	}
	return pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' holds %d manifests: a Job stage runs exactly one.", s.Name, len(manifests))
}

type job struct {
	account string
	out     activities.RunJobOutput
}

func (j *job) run(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	if err := (RunJob{}).Check(t.Stage); err != nil {
		return workflows.Outcome{}, err
	}
	manifests, err := sourceManifests(ctx, t, jobKeys...)
	if err == nil {
		err = atLeastOne(t.Stage, manifests, jobKeys[0])
	}
	if err == nil {
		err = checkSingle(t.Stage, manifests)
	}
	if err != nil {
		return workflows.Outcome{}, err
	}
	required, err := requiredArtifacts(ctx, t)
	if err != nil {
		return workflows.Outcome{}, err
	}
	artifacts, err := t.Artifacts()
	if err != nil {
		return workflows.Outcome{}, err
	}
	if j.account, err = findAccount(ctx, t); err != nil {
		return workflows.Outcome{}, err
	}
	app := c.Map("moniker").String("app")
	if app == "" {
		app = t.Execution().Application
	}
	j.out, err = workflows.Call(ctx, t, activities.RunJob, activities.RunJobInput{
		Scope: t.Scope(), Account: j.account, Application: app, Manifest: manifests[0],
		Namespace: c.String("namespace"), RequiredArtifacts: required, OptionalArtifacts: artifacts,
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	context := katoTasks(t)
	context["deploy.jobs"] = map[string]any{j.out.Namespace: []any{"job " + j.out.Name}}
	context["jobAccount"] = j.account
	context["jobNamespace"] = j.out.Namespace
	context["jobName"] = j.out.Name
	context["jobUID"] = j.out.UID
	return workflows.Outcome{Context: context}, nil
}

func (j *job) promote(_ workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	outputs, err := manifestOutputs(j.out.DeployManifestOutput)
	if template := logTemplate(j.out.Manifests); template != "" {
		t.Progress(pipeline.Map{"execution": map[string]any{"logs": template}})
	}
	if t.Stage.Context.Bool("noOutput") {
		return workflows.Outcome{Context: outputs}, err
	}
	return workflows.Outcome{Context: outputs, Outputs: outputs.Clone()}, err
}

func (j *job) wait(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	// From the context: what the task before left in memory is gone when the
	// workflow continues as new while the Job runs.
	c := t.Stage.Context
	name := c.String("jobName")
	out, err := j.end(ctx, t, activities.AwaitJobInput{
		Scope: t.Scope(), Account: c.String("jobAccount"), Namespace: c.String("jobNamespace"), Name: name,
		UID: c.String("jobUID"), PropertyFile: c.String("propertyFile"), Explain: true,
	})
	if err != nil {
		return workflows.Outcome{}, err
	}
	outcome := workflows.Outcome{
		Context: pipeline.Map{"jobStatus": map[string]any(out.Status), "completionDetails": out.Status["completionDetails"]},
		Outputs: pipeline.Map{"jobStatus": map[string]any(out.Status), "completionDetails": out.Status["completionDetails"]},
	}
	addProperties(&outcome, out.Properties)
	if out.Succeeded {
		if t.Stage.Context.Bool("noOutput") {
			t.ClearOutputs()
			outcome.Outputs = nil
		}
		return outcome, missingProperties(t, out)
	}
	message := "Job: '" + name + "' failed."
	for _, part := range []struct{ label, text string }{
		{"Reason", out.Reason}, {"Details", out.Message}, {"Additional Details", out.FailureDetails},
	} {
		if part.text != "" {
			message += " " + part.label + ": " + strings.TrimSuffix(part.text, ".") + "."
		}
	}
	return outcome, &pipeline.Error{Code: pipeline.CodeFailed, Message: message, Details: because(jobStatus(activities.AwaitJobInput{Name: name}, out.Explanation))}
}

// end waits for the Job's end and shows meanwhile what troubles its pods.
func (j *job) end(ctx workflow.Context, t *workflows.TaskRun, in activities.AwaitJobInput) (activities.AwaitJobOutput, error) {
	for {
		out, err := workflows.Call(ctx, t, activities.AwaitJob, in)
		if err != nil {
			return out, explained(err, in.Account, []activities.ManifestStatus{jobStatus(in, in.Seen)})
		}
		why := jobStatus(in, out.Explanation)
		why.Failed = !out.Running
		shown := explanations([]activities.ManifestStatus{why})
		if _, before := t.Stage.Context[stabilityKey]; before || len(shown) > 0 {
			t.Progress(pipeline.Map{stabilityKey: shown})
		}
		if !out.Running {
			return out, nil
		}
		in.Seen = out.Explanation
	}
}

// jobStatus is a Job as one of the objects that a stage waits for.
func jobStatus(in activities.AwaitJobInput, why *activities.Explanation) activities.ManifestStatus {
	return activities.ManifestStatus{Namespace: in.Namespace, Name: "job " + in.Name, Explanation: why}
}

// ownKeys are keys of the context that a Job's properties do not overwrite.
var ownKeys = []string{stabilityKey, "jobAccount", "jobNamespace", "jobName", "jobUID", "jobStatus", "completionDetails", "deploy.jobs"}

// addProperties puts a Job's properties among what its stage leaves, one key
// each, and all under propertyFileContents.
func addProperties(outcome *workflows.Outcome, properties pipeline.Map) {
	if len(properties) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(ownKeys, key) {
			outcome.Context[key], outcome.Outputs[key] = properties[key], properties[key]
		}
	}
	outcome.Context["propertyFileContents"] = map[string]any(properties)
	outcome.Outputs["propertyFileContents"] = map[string]any(properties)
}

// missingProperties is the error of a Job that succeeded and wrote none of the
// properties that its stage wants.
func missingProperties(t *workflows.TaskRun, out activities.AwaitJobOutput) error {
	c := t.Stage.Context
	file := c.String("propertyFile")
	if file == "" || len(out.Properties) > 0 {
		return nil
	}
	err := pipeline.Errorf(pipeline.CodeFailed, "Expected properties file: %s in job: %s, application: %s, location: %s, account: %s but it was either missing, empty or contained invalid syntax",
		file, c.String("jobName"), applicationOf(t), c.String("jobNamespace"), c.String("jobAccount"))
	if out.PropertiesFault != "" {
		err.Details = []string{out.PropertiesFault}
	}
	return err
}

// logTemplate is the URL of a Job's logs as its manifest gives it.
func logTemplate(manifests []pipeline.Map) string {
	if len(manifests) == 0 {
		return ""
	}
	return manifests[0].Map("metadata").Map("annotations").String("job.spinnaker.io/logs")
}

// jobTimeout is how long a Job may take: two hours, or its own limit and five
// minutes.
func jobTimeout(s *pipeline.Stage) time.Duration {
	const (
		usual   = 2 * time.Hour
		padding = 5 * time.Minute
	)
	if limit, ok := isoDuration(s.Context.String("jobRuntimeLimit")); ok {
		return limit + padding
	}
	return usual
}

var isoPattern = regexp.MustCompile(`(?i)^P(?:(\d{1,5})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,10})(?:\.\d{0,9})?S)?)?$`)

// isoDuration reads an ISO 8601 duration of days, hours, minutes and seconds, of
// more than nothing.
func isoDuration(text string) (time.Duration, bool) {
	parts := isoPattern.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, false
	}
	var out time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.ParseInt(parts[i+1], 10, 64) // absent: 0
		if limit := int64(100 * 365 * 24 * time.Hour / unit); n > limit {
			n = limit
		}
		out += time.Duration(n) * unit
	}
	return out, out > 0
}

// Cancel implements workflows.Canceller: the Job is deleted with its pods, and
// only this stage's own. A Job that failed by itself is left for people to look at.
func (RunJob) Cancel(ctx workflow.Context, t *workflows.TaskRun) (workflows.Outcome, error) {
	c := t.Stage.Context
	name := c.String("jobName")
	if name == "" || c.Map("jobStatus") != nil {
		return workflows.Outcome{}, nil
	}
	out, err := workflows.Call(ctx, t, activities.DeleteManifest, activities.DeleteManifestInput{
		Scope: t.Scope(), Account: c.String("jobAccount"), Location: c.String("jobNamespace"),
		ManifestName: "job " + name, UID: c.String("jobUID"), Options: pipeline.Map{"cascading": "true"},
	})
	return workflows.Outcome{Context: pipeline.Map{"canceledJobs": namesValue(out.ManifestNamesByNamespace)}}, err
}

// PrepareRestart implements workflows.Restarter: what is known of the Job that
// ran is kept in the restart's details.
func (RunJob) PrepareRestart(s *pipeline.Stage, details pipeline.Map) {
	_, ran := s.Context["jobStatus"]
	for _, key := range []string{"jobStatus", "completionDetails", "propertyFileContents", "deploy.jobs"} {
		if ran {
			details[key] = s.Context[key]
		}
		delete(s.Context, key)
	}
	for _, key := range []string{"jobAccount", "jobNamespace", "jobName", "jobUID", "canceledJobs", "execution", stabilityKey} {
		delete(s.Context, key)
	}
}

// Calls implements workflows.Caller.
func (RunJob) Calls(s *pipeline.Stage) []string {
	return callsForManifests("run", s)
}

// Describe implements workflows.Documented.
func (RunJob) Describe() workflows.Description {
	return workflows.Description{
		Summary: "Runs a Kubernetes Job and waits for its end. Cancelling the stage deletes the Job.",
		Inputs: []workflows.Field{
			accountField, providerField,
			sourceField("the Job comes"),
			manifestArtifactField, manifestArtifactIDField, manifestArtifactAccountField,
			{Name: "manifest", Type: "object", Text: "The Job, with source text: exactly one."},
			{Name: "namespace", Type: "namespace", Text: "Where it runs when the manifest names none."},
			{Name: "moniker", Type: "map", Text: "`app` (default: the pipeline's application)."},
			{Name: "propertyFile", Type: "container", Text: "The container whose log holds properties: lines `SPINNAKER_PROPERTY_key=value`, keys become lower case, and `SPINNAKER_CONFIG_JSON={…}`. A Job that succeeds without any fails the stage."},
			{Name: "jobRuntimeLimit", Type: "ISO 8601 duration", Default: "PT2H", Text: "How long the Job may take; five minutes are added."},
			{Name: "waitForCompletion", Type: "boolean", Default: "true", Text: "Whether the stage ends with the Job or once it is started."},
			requiredArtifactsField, requiredArtifactIDsField,
			{Name: "consumeArtifactSource", Type: "artifact", Text: "With `artifact`: a JSON object is read once the Job has ended, and its keys are outputs: the artifact of `consumeArtifactId` or `consumeArtifact`, fetched with `consumeArtifactAccount` or its own account."},
			noOutputField,
		},
		Outputs: []workflows.Field{
			{Name: "jobStatus", Type: "map", Text: "The Job as it ended: name, location, jobState, times, pods."},
			{Name: "completionDetails", Type: "map", Text: "Exit code, signal, message and reason of the container that ended it."},
			{Name: "propertyFileContents", Type: "map", Text: "The properties of `propertyFile`, each also under its own key."},
			{Name: "outputs.manifests", Type: "list of objects", Text: "And the other outputs of deployManifest."},
			producedField,
		},
		Notes: []string{
			"A Job of the same name from an earlier run is replaced. The same run never starts it twice, whatever happens to workers.",
			"A stage whose Job was replaced ends TERMINAL and says so; it never judges or deletes the Job of another run.",
			"The annotation job.spinnaker.io/logs of the Job, a URL of its logs, stands in the stage's context under `execution.logs`.",
			"A restart keeps what the earlier Job left in `restartDetails`.",
			stabilityNote,
		},
	}
}
