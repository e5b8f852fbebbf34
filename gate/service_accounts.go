package gate

import (
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// listServiceAccounts names the service accounts that the caller may run pipelines
// as; none while permissions are not enforced, when nobody needs one (reference:
// gate section 3).
func listServiceAccounts(r *request) error {
	s, err := r.subject()
	if err != nil {
		return err
	}
	if s.Unchecked {
		return emptyList(r)
	}
	all, err := r.server.front50.Documents(r.ctx(), front50.KindServiceAccount)
	if err != nil {
		return err
	}
	application := r.text("application")
	out := []string{}
	for _, account := range all {
		name := account.String("name")
		if !r.server.permissions.MayUse(s, account.Strings("memberOf")) {
			continue
		}
		if application != "" {
			err := r.server.permissions.RunAs(r.ctx(), s, name, application)
			if pipeline.CodeOf(err) == pipeline.CodeUnavailable {
				return err
			}
			if err != nil {
				continue
			}
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return r.answer(http.StatusOK, out)
}
