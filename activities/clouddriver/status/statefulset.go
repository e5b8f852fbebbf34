package status

func statefulSet(o fields) Status {
	s := settled()
	strategy := o.text("spec", "updateStrategy", "type")
	if strategy == "OnDelete" {
		return s
	}
	if !o.has("status") {
		return noneReported()
	}
	if o.behind() {
		return s.unstable(awaitingGeneration)
	}
	desired := o.count("spec", "replicas")
	if desired > o.count("status", "replicas") {
		return s.unstable("Waiting for at least the desired replica count to be met")
	}
	if desired > o.count("status", "readyReplicas") {
		return s.unstable("Waiting for all updated replicas to be ready")
	}
	if strategy == "RollingUpdate" && o.has("spec", "updateStrategy", "rollingUpdate") && o.has("status", "updatedReplicas") {
		if o.count("status", "updatedReplicas") < desired-o.count("spec", "updateStrategy", "rollingUpdate", "partition") {
			return s.unstable("Waiting for partitioned roll out to finish")
		}
		s.Stable.Message = "Partitioned roll out complete"
		return s
	}
	if desired > o.count("status", "currentReplicas") {
		return s.unstable("Waiting for all updated replicas to be scheduled")
	}
	if o.text("status", "currentRevision") != o.text("status", "updateRevision") {
		return s.unstable("Waiting for the updated revision to match the current revision")
	}
	return s
}
