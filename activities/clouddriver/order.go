package clouddriver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// priorityNames are the words that a custom resource's deployPriority may use
// for a number (reference: clouddriver section 5.2), each followed by
// "_PRIORITY".
var priorityNames = map[string]int{
	"LOWEST": 1000, "WORKLOAD_ATTACHMENT": 110, "WORKLOAD_CONTROLLER": 100, "WORKLOAD": 100,
	"WORKLOAD_MODIFIER": 90, "PDB": 90, "API_SERVICE": 80, "NETWORK_RESOURCE": 70, "MOUNTABLE_DATA": 50,
	"MOUNTABLE_DATA_BACKING_RESOURCE": 40, "SERVICE_ACCOUNT": 40, "STORAGE_CLASS": 40, "ADMISSION": 40,
	"RESOURCE_DEFINITION": 30, "ROLE_BINDING": 30, "ROLE": 20, "NAMESPACE": 0,
}

// defaultPriority is a custom resource's priority when none is configured.
const defaultPriority = 100

// parsePriority reads a deployPriority.
func parsePriority(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return defaultPriority, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	if name, ok := strings.CutSuffix(strings.ToUpper(text), "_PRIORITY"); ok {
		if n, known := priorityNames[name]; known {
			return n, nil
		}
	}
	return 0, fmt.Errorf("deployPriority %q is neither a whole number nor a priority name such as WORKLOAD_CONTROLLER_PRIORITY", text)
}

// inDeployOrder sorts manifests so that what others need comes first. The sort
// is stable: equals keep the order in which they were written.
func inDeployOrder(manifests []*manifest) {
	slices.SortStableFunc(manifests, func(a, b *manifest) int { return a.info.priority - b.info.priority })
}
