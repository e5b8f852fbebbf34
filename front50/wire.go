package front50

import (
	"net/url"

	"github.com/gennaker/gennaker/pipeline"
)

// UserHeader carries the user on whose behalf a request is made; Spinnaker's
// services trust each other's.
const UserHeader = "X-SPINNAKER-USER"

// Paths of the HTTP API that the server and the client share (reference:
// front50 section 5). Arguments are escaped.
const (
	PathApplications = "/v2/applications"
	PathPipelines    = "/pipelines"
	PathTemplates    = "/v2/pipelineTemplates"
	PathHealth       = "/health"
	// PathDocuments is Gennaker's own API for the documents of every kind, which
	// Spinnaker has no single form for.
	PathDocuments = "/documents"
)

// PathDocumentsOf is the documents of a kind.
func PathDocumentsOf(k *Kind) string { return PathDocuments + "/" + url.PathEscape(k.Group) }

// PathDocument is one document.
func PathDocument(k *Kind, id string) string { return PathDocumentsOf(k) + "/" + url.PathEscape(id) }

// PathDocumentHistory is the versions of a document.
func PathDocumentHistory(k *Kind, id string) string { return PathDocument(k, id) + "/history" }

// Query parameters of a save under PathDocuments.
const (
	QueryStaleCheck   = "staleCheck"
	QueryMustExist    = "mustExist"
	QueryMustNotExist = "mustNotExist"
)

// PathApplication is one application.
func PathApplication(name string) string { return PathApplications + "/" + url.PathEscape(name) }

// PathApplicationHistory is the versions of an application.
func PathApplicationHistory(name string) string { return PathApplication(name) + "/history" }

// PathPipelinesOf is the configurations of an application, and with PUT one
// configuration by ID.
func PathPipelinesOf(application string) string {
	return PathPipelines + "/" + url.PathEscape(application)
}

// PathPipeline is one configuration by ID.
func PathPipeline(id string) string { return PathPipelines + "/" + url.PathEscape(id) + "/get" }

// PathPipelineHistory is the versions of a configuration.
func PathPipelineHistory(id string) string {
	return PathPipelines + "/" + url.PathEscape(id) + "/history"
}

// PathPipelineNamed is one configuration by name, for DELETE.
func PathPipelineNamed(application, name string) string {
	return PathPipelines + "/" + url.PathEscape(application) + "/" + url.PathEscape(name)
}

// PathTemplate is one template, its version in the query.
func PathTemplate(id string) string { return PathTemplates + "/" + url.PathEscape(id) }

// BatchResult is the answer to POST /pipelines/batchUpdate, which succeeds even
// when items fail.
type BatchResult struct {
	SuccessfulCount int      `json:"successful_pipelines_count"`
	Successful      []string `json:"successful_pipelines"`
	FailedCount     int      `json:"failed_pipelines_count"`
	// Failed holds the documents as given with errorMsg added.
	Failed []pipeline.Map `json:"failed_pipelines"`
}

// Reorder is the body of POST /actions/pipelines/reorder.
type Reorder struct {
	Application  string         `json:"application"`
	IDsToIndices map[string]int `json:"idsToIndices"`
}
