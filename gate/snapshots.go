package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// snapshotRoutes shows snapshots that a bucket holds; Gennaker takes none.
func snapshotRoutes() []route {
	return []route{
		{Method: "GET", Path: "/applications/{application}/snapshots/{account}", Summary: "The newest snapshot of the application in an account", Auth: authRead, Response: pipeline.Map{}, handle: getSnapshot},
		{Method: "GET", Path: "/applications/{application}/snapshots/{account}/history", Summary: "Snapshots of the application in an account, newest first", Auth: authRead, Query: []parameter{{"limit", "integer", 20, "At most so many snapshots."}}, Response: []pipeline.Map{}, handle: listSnapshots},
	}
}

func (r *request) snapshotID() string { return r.param("application") + "-" + r.param("account") }

func getSnapshot(r *request) error {
	doc, err := r.server.front50.Document(r.ctx(), front50.KindSnapshot, r.snapshotID())
	if err != nil {
		return err
	}
	if err := r.ownSnapshot(doc); err != nil {
		return err
	}
	return r.answer(http.StatusOK, doc)
}

// ownSnapshot refuses a snapshot of another application whose ID is the same: that
// of a in b-c is that of a-b in c.
func (r *request) ownSnapshot(doc pipeline.Map) error {
	if of := doc.String("application"); of != "" && !sameApplication(of, r.param("application")) {
		return front50.KindSnapshot.NotFound(r.snapshotID())
	}
	return nil
}

func listSnapshots(r *request) error {
	return r.historyOf(front50.KindSnapshot, r.snapshotID(), r.ownSnapshot)
}
