package s3store

import (
	"strconv"
	"time"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Groups and metadata files (reference: front50 section 1).
const (
	applicationsGroup  = "applications"
	pipelinesGroup     = "pipelines"
	strategiesGroup    = "pipeline-strategies"
	projectsGroup      = "projects"
	notificationsGroup = "notifications"

	applicationFile  = "application-metadata.json"
	permissionFile   = "application-permission.json"
	pipelineFile     = "pipeline-metadata.json"
	strategyFile     = "pipeline-strategy-metadata.json"
	projectFile      = "project-metadata.json"
	notificationFile = "notification-metadata.json"
)

// stampSlack is how much later than its own updateTs an object may have been
// written: the time of the request and the difference of two clocks.
const stampSlack = 2 * time.Minute

// settle brings a loaded document to the form in which it is answered. The ID is
// that of the key, by which it is found again. The time of the last write is the
// document's own, to the millisecond and the same for every reader; the
// object's, when somebody wrote the object without stamping it.
func settle(id, file string, doc pipeline.Map, modified time.Time) pipeline.Map {
	switch file {
	case applicationFile:
		app := pipeline.Application(doc)
		if front50.ApplicationKey(app.Name()) != id {
			app["name"] = id
		}
		front50.NormalApplication(app)
	case pipelineFile:
		if front50.PipelineKey(doc.String("id")) != id {
			doc["id"] = id
		}
		delete(doc, "lastModified")
	default:
		return doc
	}
	own, has := doc.Int("updateTs")
	if !has || modified.Sub(time.UnixMilli(own)) > stampSlack {
		own = modified.UnixMilli()
	}
	doc["updateTs"] = strconv.FormatInt(own, 10)
	return doc
}
