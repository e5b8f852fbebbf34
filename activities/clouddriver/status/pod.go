package status

// pod goes by the phase alone: a container that crashes again and again in a
// Running pod is stable, and no phase makes a pod failed.
func pod(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	switch o.text("status", "phase") {
	case "Running", "Succeeded":
		return settled()
	case "Pending":
		return settled().unstableAndUnavailable("Pod is pending")
	case "Failed":
		return settled().unstableAndUnavailable("Pod has failed")
	}
	return settled().unstableAndUnavailable("Pod phase is unknown")
}
