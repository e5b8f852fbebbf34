package front50

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gennaker/gennaker/pipeline"
)

// optionalKeys are the keys of a pipeline whose null means absent; null under
// any other key is kept (reference: front50 section 2).
var optionalKeys = []string{
	"id", "type", "config", "index", "createTs", "updateTs", "lastModifiedBy", "email", "disabled", "template",
	"roles", "serviceAccount", "executionEngine", "stageCounter", "stages", "constraints", "payloadConstraints",
	"keepWaitingPipelines", "limitConcurrent", "maxConcurrentExecutions", "parameterConfig", "spelEvaluator",
}

// regenerateKey asks for new cron trigger IDs. It is an instruction, not part
// of the configuration, so it is not stored: a document read and saved again
// keeps its IDs.
const regenerateKey = "regenerateCronTriggerIds"

// PipelineNotFound is the error for an unknown configuration.
func PipelineNotFound(id string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Pipeline not found (id: %s)", id)
}

// PipelineKey returns the form of a configuration's ID by which configurations
// are told apart: in lower case, as it stands in the key of the object.
func PipelineKey(id string) string { return strings.ToLower(id) }

// Identified returns a copy of a new configuration with an ID and new cron
// trigger IDs, which newID gives; one that has an ID is returned as it is. A
// caller that may have to send a configuration twice does this first, so that
// both name the same one.
func Identified(p pipeline.Pipeline, newID func() string) pipeline.Pipeline {
	if p.ID() != "" || p == nil {
		return p
	}
	p = p.Clone()
	p["id"] = newID()
	delete(p, regenerateKey)
	cronIDs(p, true, newID)
	return p
}

// Pipeline returns the document to store when given is written. Stored is the
// configuration with the same ID (nil when there is none or given has no ID);
// siblings are those of the same application, stored itself or not. No argument
// is changed.
//
// Errors: unprocessable, invalid, not_found.
func (r Rules) Pipeline(stored, given pipeline.Pipeline, siblings []pipeline.Pipeline, o SaveOptions) (pipeline.Pipeline, error) {
	if err := CheckPipeline(given); err != nil {
		return nil, err
	}
	id := given.ID()
	if stored == nil && o.MustExist {
		return nil, PipelineNotFound(id)
	}
	doc := normalPipeline(given.Clone())
	cronIDs(doc, id == "" || pipeline.Map(given).Bool(regenerateKey), r.newID)
	if o.StaleCheck && stored != nil {
		if err := checkStale(stored, doc); err != nil {
			return nil, err
		}
	}
	if err := checkName(doc, siblings); err != nil {
		return nil, err
	}
	if id == "" {
		doc["id"] = r.newID()
	}
	if _, has := doc["index"]; !has {
		if index, has := stored["index"]; has && index != nil {
			doc["index"] = index
		}
	}
	doc["updateTs"] = r.stamp(pipeline.Map(stored))
	doc["lastModifiedBy"] = author(o.By)
	switch created := text(stored["createTs"]); {
	case created != "":
		doc["createTs"] = created
	case stored == nil && text(doc["createTs"]) == "":
		doc["createTs"] = doc["updateTs"]
	}
	return doc, nil
}

// CheckPipeline reports what makes a configuration unfit to be stored whatever
// else is: missing name or application, an unusable name or ID, stages that cannot run.
//
// Errors: unprocessable, invalid.
func CheckPipeline(p pipeline.Pipeline) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if strings.ContainsFunc(p.Name(), unicode.IsControl) {
		return pipeline.Errorf(pipeline.CodeInvalid, "The pipeline name %q holds a control character: use printed characters and spaces.", p.Name())
	}
	if err := CheckID(p.Application()); err != nil {
		return err
	}
	switch triggers := p["triggers"].(type) {
	case nil:
	case []any:
		for i, t := range triggers {
			if pipeline.AsMap(t) == nil {
				return pipeline.Errorf(pipeline.CodeInvalid, "Trigger %d of pipeline '%s' is not an object: write {\"type\": \"...\"}.", i+1, p.Name())
			}
		}
	default:
		return pipeline.Errorf(pipeline.CodeInvalid, "The triggers of pipeline '%s' are not a list: set triggers to a list, which may be empty.", p.Name())
	}
	return CheckID(p.ID())
}

// normalPipeline brings a document to the form in which Front50 writes it, in
// place.
func normalPipeline(p pipeline.Pipeline) pipeline.Pipeline {
	p["name"], p["application"] = p.Name(), p.Application()
	for _, key := range optionalKeys {
		if v, present := p[key]; present && v == nil {
			delete(p, key)
		}
	}
	if p.ID() == "" {
		delete(p, "id")
	}
	if p["schema"] == nil {
		p["schema"] = "1"
	}
	if p["triggers"] == nil {
		p["triggers"] = []any{}
	}
	for _, key := range []string{"lastModified", "createdAt", regenerateKey} {
		delete(p, key)
	}
	return p
}

// cronIDs gives cron triggers without an ID one; with all set, every one gets a
// new ID, as Echo tells schedules apart by it.
func cronIDs(p pipeline.Pipeline, all bool, newID func() string) {
	for _, e := range pipeline.Map(p).List("triggers") {
		t := pipeline.AsMap(e)
		if t != nil && strings.EqualFold(t.String("type"), "cron") && (all || t.String("id") == "") {
			t["id"] = newID()
		}
	}
}

// checkStale refuses a document that was read before the stored one was
// written. One that says exactly what is stored loses nobody's work and
// passes, so that sending the same save twice is no error.
func checkStale(stored, doc pipeline.Pipeline) error {
	submitted, current := text(doc["updateTs"]), text(stored["updateTs"])
	if submitted == "" || current == "" || submitted == current || SameContent(stored, doc) {
		return nil
	}
	return staleError("pipeline", "updateTs", submitted, current, pipeline.Map(stored))
}

// SameContent reports whether two configurations differ in nothing but the
// stamps of their last write.
func SameContent(a, b pipeline.Pipeline) bool {
	strip := func(p pipeline.Pipeline) []byte {
		m := maps.Clone(map[string]any(p))
		for _, key := range []string{"updateTs", "createTs", "lastModified", "lastModifiedBy", "index"} {
			delete(m, key)
		}
		b, err := pipeline.EncodeValue(m)
		if err != nil {
			return nil
		}
		return b
	}
	x, y := strip(a), strip(b)
	return x != nil && string(x) == string(y)
}

// checkName refuses a name that another configuration of the application has.
func checkName(doc pipeline.Pipeline, siblings []pipeline.Pipeline) error {
	for _, s := range siblings {
		if strings.EqualFold(s.Name(), doc.Name()) && strings.EqualFold(s.Application(), doc.Application()) && PipelineKey(s.ID()) != PipelineKey(doc.ID()) {
			return pipeline.Errorf(pipeline.CodeInvalid, "A pipeline with name %s already exists in application %s (id: %s): choose another name, or save under that id.", s.Name(), s.Application(), s.ID())
		}
	}
	return nil
}

// PipelineNotFoundIn is the error for what is neither the name nor the ID of a
// configuration of an application.
func PipelineNotFoundIn(application, nameOrID string) error {
	return pipeline.Errorf(pipeline.CodeNotFound, "Pipeline configuration not found (application: %s, name or id: %s)", application, nameOrID)
}

// FindPipeline returns a copy of the configuration that [Reader] promises. It
// copies no other, since it is called for every start.
func FindPipeline(all []pipeline.Pipeline, application, nameOrID string) (pipeline.Pipeline, error) {
	for _, property := range []func(pipeline.Pipeline) string{pipeline.Pipeline.Name, pipeline.Pipeline.ID} {
		var found []pipeline.Pipeline
		for _, p := range all {
			if nameOrID != "" && property(p) == nameOrID && ApplicationKey(p.Application()) == ApplicationKey(application) {
				found = append(found, p)
			}
		}
		if len(found) > 0 { // the rules refuse a second one of a name, yet a bucket may come with it
			return ListPipelines(found, "")[0], nil
		}
	}
	return nil, PipelineNotFoundIn(application, nameOrID)
}

// ListPipelines returns copies of those configurations that belong to the
// application ("" for all), in the order and form that [Reader] promises.
func ListPipelines(all []pipeline.Pipeline, application string) []pipeline.Pipeline {
	out := make([]pipeline.Pipeline, 0, len(all))
	for _, p := range all {
		if application == "" || ApplicationKey(p.Application()) == ApplicationKey(application) {
			out = append(out, p.Clone())
		}
	}
	type key struct {
		indexed bool
		index   int
		name    string
	}
	keys := make(map[string]key, len(out))
	for _, p := range out {
		index, indexed := p.Index()
		keys[p.ID()] = key{indexed: indexed, index: index, name: strings.ToLower(p.Name())}
	}
	slices.SortStableFunc(out, func(a, b pipeline.Pipeline) int {
		x, y := keys[a.ID()], keys[b.ID()]
		switch {
		case x.indexed != y.indexed:
			if x.indexed {
				return -1
			}
			return 1
		case x.index != y.index:
			return x.index - y.index
		case x.name != y.name:
			return strings.Compare(x.name, y.name)
		}
		return strings.Compare(a.ID(), b.ID())
	})
	if application != "" {
		for i, p := range out {
			p["index"] = int64(i)
		}
	}
	return out
}
