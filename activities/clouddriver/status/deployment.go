package status

// awaitingGeneration is shared by Deployment, StatefulSet and DaemonSet.
const awaitingGeneration = "Waiting for status generation to match updated object generation"

func deployment(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	s := settled()
	if o.behind() {
		return s.unstable(awaitingGeneration)
	}
	for _, c := range o.conditions() {
		if c.reason == "DeploymentPaused" {
			s.Paused = State{State: true, Message: c.message}
		}
		if c.kind == "Available" && c.status == "False" {
			s = s.unstableAndUnavailable(c.message)
		}
		if c.kind == "Progressing" && c.reason == "ProgressDeadlineExceeded" {
			s = s.failed("Deployment exceeded its progress deadline")
		}
	}
	if message := deploymentReplicas(o); message != "" {
		s = s.unstable(message)
	}
	return s
}

func deploymentReplicas(o fields) string {
	desired, updated := o.count("spec", "replicas"), o.count("status", "updatedReplicas")
	switch {
	case updated < desired:
		return "Waiting for all replicas to be updated"
	case o.count("status", "replicas") > updated:
		return "Waiting for old replicas to finish termination"
	case o.count("status", "availableReplicas") < desired:
		return "Waiting for all replicas to be available"
	case o.count("status", "readyReplicas") < desired:
		return "Waiting for all replicas to be ready"
	}
	return ""
}
