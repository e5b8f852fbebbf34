package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

var artifactTypeParam = parameter{"type", "string", nil, "The artifact type, such as helm/chart."}

// listArtifactAccounts lists the artifact accounts, for Deck's choices.
func listArtifactAccounts(r *request) error {
	out := []activities.ArtifactAccount{}
	if r.server.artifacts != nil {
		out = r.server.artifacts.Accounts()
	}
	return r.answer(http.StatusOK, out)
}

// fetchArtifact answers with the content of the artifact in the body. Its bytes
// are not for a browser to show.
func fetchArtifact(r *request) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	var a pipeline.Artifact
	if err := pipeline.Bind(body, &a); err != nil {
		return pipeline.Wrap(pipeline.CodeInvalid, err, "The request body is no artifact: %s.", err)
	}
	accounts, err := r.artifacts()
	if err != nil {
		return err
	}
	content, err := accounts.Fetch(r.ctx(), a)
	if err != nil {
		return err
	}
	r.Writer.Header().Set("Content-Disposition", "attachment")
	r.write(http.StatusOK, "application/octet-stream", content)
	return nil
}

func listArtifactNames(r *request) error {
	accounts, err := r.artifacts()
	if err != nil {
		return err
	}
	names, err := accounts.Names(r.ctx(), r.param("account"), r.text("type"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, listOf(names))
}

func listArtifactVersions(r *request) error {
	accounts, err := r.artifacts()
	if err != nil {
		return err
	}
	versions, err := accounts.Versions(r.ctx(), r.param("account"), r.text("type"), r.text("artifactName"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, listOf(versions))
}

func (r *request) artifacts() (Artifacts, error) {
	if r.server.artifacts == nil {
		return nil, pipeline.Errorf(pipeline.CodeNotFound, "Artifacts have not been enabled: there are no artifact accounts.")
	}
	return r.server.artifacts, nil
}

// listOf is a list that is never null.
func listOf(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
