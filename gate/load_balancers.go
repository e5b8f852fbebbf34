package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/clusters"
)

func listApplicationLoadBalancers(r *request) error {
	view, err := r.application(nil)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, view.LoadBalancers())
}

// getNamedLoadBalancer finds nothing: Kubernetes' load balancers have no name of
// their own without account and namespace.
func getNamedLoadBalancer(r *request) error {
	return missing("Load balancer not found (name: %s)", r.param("name"))
}

// getLoadBalancer answers a list of one, or of none.
func getLoadBalancer(r *request) error {
	if r.otherProvider("provider") && r.text("provider") != "aws" { // which is what clients send that name none
		return emptyList(r)
	}
	balancer, ok, err := r.loadBalancer()
	if err != nil {
		return err
	}
	if !ok {
		return emptyList(r)
	}
	balancer.InsightActions = &[]any{}
	return r.answer(http.StatusOK, []clusters.LoadBalancer{balancer})
}

// getKubernetesLoadBalancer is the same under Clouddriver's path.
func getKubernetesLoadBalancer(r *request) error {
	balancer, ok, err := r.loadBalancer()
	if err != nil {
		return err
	}
	if !ok {
		return emptyList(r)
	}
	return r.answer(http.StatusOK, []clusters.LoadBalancer{balancer})
}

func (r *request) loadBalancer() (clusters.LoadBalancer, bool, error) {
	view, err := r.around(r.param("account"), r.param("region"), r.param("name"))
	if err != nil {
		return clusters.LoadBalancer{}, false, err
	}
	balancer, ok := view.LoadBalancer(r.param("region"), r.param("name"))
	return balancer, ok, nil
}
