package status

func replicaSet(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	s, desired := settled(), o.count("spec", "replicas")
	switch {
	case desired > o.count("status", "fullyLabeledReplicas"):
		return s.unstableAndUnavailable("Waiting for all replicas to be fully-labeled")
	case desired > o.count("status", "readyReplicas"):
		return s.unstableAndUnavailable("Waiting for all replicas to be ready")
	case desired > o.count("status", "availableReplicas"):
		return s.unstableAndUnavailable("Waiting for all replicas to be available")
	case o.behind():
		return s.unstable("Waiting for replicaset spec update to be observed")
	}
	return s
}
