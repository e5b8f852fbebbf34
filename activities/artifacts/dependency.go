package artifacts

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// FetchChart fetches a chart that another one depends on. A repository that an
// account is for is asked with its credentials; another one, without any, only
// when anyRepository is set. The version may be a range.
//
// Errors: invalid for a repository that may not be asked; those of
// activities.Artifacts.
func (r *Artifacts) FetchChart(ctx context.Context, repository, name, version string, anyRepository bool) ([]byte, error) {
	a := pipeline.Artifact{Type: "helm/chart", Name: name, Version: version}
	oci, isRegistry := strings.CutPrefix(repository, "oci://")
	if isRegistry {
		a.Type = "helm/image"
		a.Name = strings.Trim(oci, "/") + "/" + name
	} else if !strings.HasPrefix(repository, "https://") && !strings.HasPrefix(repository, "http://") {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' is to come from the repository '%s': only https, http, oci and file addresses are followed. Write one, or put the chart into charts/.", name, cut(repository))
	}
	for _, account := range r.accounts {
		a.ArtifactAccount = account.Name
		switch s := account.source.(type) {
		case charts:
			if !isRegistry && sameRepository(s.account.Repository, repository) {
				return r.fetch(ctx, s, a)
			}
		case registry:
			if host, _, _ := strings.Cut(oci, "/"); isRegistry && strings.EqualFold(host, s.address) {
				return r.fetch(ctx, s, withoutPrefix(a, s))
			}
		}
	}
	if !anyRepository {
		return nil, pipeline.Errorf(pipeline.CodeInvalid,
			"The chart '%s' is to come from the repository %s, which no artifact account is for: an operator can add one under artifacts.helm, or name the repository in rosco-dependency-repositories.", name, cut(safeURL(repository)))
	}
	a.ArtifactAccount = ""
	if isRegistry {
		host, _, _ := strings.Cut(oci, "/")
		s, err := r.registry(Account{Address: host})
		if err != nil {
			return nil, err
		}
		s.client = r.client // the address is a user's, not an operator's
		return r.fetch(ctx, s, a)
	}
	s, err := r.chartRepository(Account{Repository: repository})
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The chart '%s' is to come from the repository '%s', which is no URL.", name, cut(repository))
	}
	s.client = r.client
	return r.fetch(ctx, s, a)
}

// withoutPrefix leaves a name whole: the address in a chart holds the account's
// prefix already.
func withoutPrefix(a pipeline.Artifact, s registry) pipeline.Artifact {
	a.Name = strings.TrimPrefix(strings.TrimPrefix(a.Name, s.address+"/"), s.prefix+"/")
	return a
}

func sameRepository(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, "/"), strings.TrimRight(b, "/"))
}
