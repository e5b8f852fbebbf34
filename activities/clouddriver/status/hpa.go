package status

import "fmt"

func horizontalPodAutoscaler(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	desired, current := o.count("status", "desiredReplicas"), o.count("status", "currentReplicas")
	direction := "up"
	switch {
	case desired == current:
		return settled()
	case desired < current:
		direction = "down"
	}
	return settled().unstable(fmt.Sprintf("Waiting for HPA to complete a scale %s, current: %d desired: %d", direction, current, desired))
}
