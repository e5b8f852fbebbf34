package gate

import (
	"net/http"
	"slices"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/pipeline"
)

// manifest is one object of a cluster as it is now.
type manifest struct {
	Account   string         `json:"account"`
	Artifacts []pipeline.Map `json:"artifacts"`
	Events    []pipeline.Map `json:"events"`
	Location  string         `json:"location"`
	Manifest  pipeline.Map   `json:"manifest"`
	Metrics   []pipeline.Map `json:"metrics"`
	Moniker   pipeline.Map   `json:"moniker"`
	Name      string         `json:"name"`
	Status    pipeline.Map   `json:"status"`
	Warnings  []pipeline.Map `json:"warnings"`
}

// noLocation stands in paths for what is in no namespace.
const noLocation = "_"

// getManifest reads an object from its cluster; a path without a location, or
// with "_", is of what has no namespace.
func getManifest(r *request) error {
	events, err := boolean(r.query, "includeEvents", true)
	if err != nil {
		return err
	}
	account, location, name := r.param("account"), r.param("location"), r.param("name")
	live, err := r.live(account)
	if err != nil {
		return err
	}
	in := activities.ShowManifestInput{Account: account, Location: location, Name: name, IncludeEvents: events}
	if in.Location == noLocation {
		in.Location = ""
	}
	found, err := live.Manifest(r.ctx(), in)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return missing("Unable to find %s in %s/%s", name, account, location)
	}
	if err != nil {
		return err
	}
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, found)
}

// criteria are the words by which one object of a cluster is picked.
var criteria = []string{"oldest", "newest", "second_newest", "largest", "smallest"}

// listClusterManifests lists the objects of a cluster.
func listClusterManifests(r *request) error {
	return r.clusterManifests("", func(found []activities.ManifestCoordinates) any {
		return append([]activities.ManifestCoordinates{}, found...)
	})
}

// getClusterManifest picks one of them.
func getClusterManifest(r *request) error {
	word := r.param("criteria")
	if !slices.Contains(criteria, word) {
		return pipeline.Errorf(pipeline.CodeInvalid, "The criteria %q are not known: use oldest, newest, second_newest, largest or smallest.", word)
	}
	return r.clusterManifests(word, func(found []activities.ManifestCoordinates) any { return found[0] })
}

// clusterManifests answers null when the cluster cannot be read, as Clouddriver
// does, and says why in a header.
func (r *request) clusterManifests(word string, shape func([]activities.ManifestCoordinates) any) error {
	account := r.param("account")
	live, err := r.live(account)
	if err != nil {
		return err
	}
	found, err := live.Manifests(r.ctx(), activities.ListManifestsInput{
		Account: account, Location: r.param("location"), Kind: r.param("kind"), Application: r.param("app"), Cluster: r.param("cluster"), Criteria: word,
	})
	switch {
	case err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound:
		return err
	case err != nil && r.ctx().Err() != nil:
		return r.ctx().Err()
	case err != nil:
		r.tell([]clusters.Gap{{Account: account, Missing: pipeline.MessageOf(err)}})
		return r.answer(http.StatusOK, nil)
	case word != "" && len(found) == 0:
		return missing("No manifests matching %s found", word)
	}
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, shape(found))
}
