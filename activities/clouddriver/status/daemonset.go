package status

func daemonSet(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	s := settled()
	if o.behind() {
		return s.unstable(awaitingGeneration)
	}
	if o.text("spec", "updateStrategy", "type") != "RollingUpdate" {
		return s
	}
	desired := o.count("status", "desiredNumberScheduled")
	switch {
	case desired > o.count("status", "currentNumberScheduled"):
		return s.unstable("Waiting for all replicas to be scheduled")
	case desired > o.count("status", "updatedNumberScheduled"):
		return s.unstable("Waiting for all updated replicas to be scheduled")
	case desired > o.count("status", "numberAvailable"):
		return s.unstable("Waiting for all replicas to be available")
	case desired > o.count("status", "numberReady"):
		return s.unstable("Waiting for all replicas to be ready")
	}
	return s
}
