package status

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// JobState is how far a Job's run is, in Spinnaker's words.
type JobState string

// The states of a run.
const (
	JobRunning   JobState = "Running"
	JobSucceeded JobState = "Succeeded"
	JobFailed    JobState = "Failed"
)

func job(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	switch state, message := jobRun(o); state {
	case JobFailed:
		return settled().failed(message)
	case JobRunning:
		return settled().unstable("Waiting for jobs to finish")
	}
	return settled()
}

// Job returns the state of a Job's run and, when it failed, the Job's own
// message.
func Job(obj *unstructured.Unstructured) (JobState, string) { return jobRun(obj.Object) }

// jobRun counts successes, one when the Job asks for no number. The Complete
// condition decides too, because a success policy or a work queue may finish
// with fewer.
func jobRun(o fields) (JobState, string) {
	completions := int64(1)
	if o.has("spec", "completions") {
		completions = o.count("spec", "completions")
	}
	if o.has("status") && o.count("status", "succeeded") >= completions {
		return JobSucceeded, ""
	}
	if _, complete := o.find("Complete", "True"); complete {
		return JobSucceeded, ""
	}
	if c, failed := o.find("Failed", "True"); failed {
		return JobFailed, c.message
	}
	return JobRunning, ""
}
