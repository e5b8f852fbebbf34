package s3store

import (
	"strconv"
	"time"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/pipeline/templates"
)

// Groups and metadata files beside those of front50.Kinds (reference: front50
// section 1).
const (
	applicationsGroup = "applications"
	pipelinesGroup    = "pipelines"
	templatesGroup    = "pipeline-templates"

	applicationFile = "application-metadata.json"
	permissionFile  = "application-permission.json"
	pipelineFile    = "pipeline-metadata.json"
	templateFile    = "pipeline-template-metadata.json"
)

// stampSlack is how much later than its own stamp an object may have been written:
// the time of the request and the difference of two clocks, of which object stores
// refuse more than 15 minutes. An object within it shows the stamp that its writer was
// answered with, to every process.
const stampSlack = 16 * time.Minute

// settle brings a loaded document to the form in which it is answered. The ID is
// that of the key, by which it is found again. The time of the last write is the
// document's own, to the millisecond and the same for every reader; the
// object's, when somebody wrote the object without stamping it.
func settle(kind *front50.Kind, id, file string, doc pipeline.Map, modified time.Time) pipeline.Map {
	if kind != nil {
		kind.Settle(id, doc)
		own, has := doc.Int(kind.ModifiedKey())
		if !has || modified.Sub(time.UnixMilli(own)) > stampSlack {
			own = modified.UnixMilli()
		}
		kind.SetModified(doc, own)
		return doc
	}
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
	case templateFile:
		settleTemplate(id, doc)
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

// settleTemplate makes a template's document name the version under which it is
// stored. The letters' case, which keys lose, is the document's.
func settleTemplate(id string, doc pipeline.Map) {
	version, err := templates.ParseReference(id)
	if err != nil {
		return // nobody can ask for it by this name
	}
	for _, part := range []struct{ key, value string }{{"id", version.ID}, {"tag", version.Tag}, {"digest", version.Digest}} {
		switch own := doc.String(part.key); {
		case part.key == "tag" && version.Digest != "":
			// The tag that a document by its digest had when it was written.
		case part.value == "":
			delete(doc, part.key)
		case front50.TemplateKey(own) != part.value:
			doc[part.key] = part.value
		}
	}
}
