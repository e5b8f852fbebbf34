// Package stages holds the stage types, one a file, named for the type.
package stages

import "github.com/gennaker/gennaker/workflows"

// All lists every stage type that Gennaker runs.
func All() []workflows.StageType {
	return []workflows.StageType{
		Wait{},
		RestrictExecution{},
		ManualJudgment{},
		DeployManifest{},
		DeleteManifest{},
		RunJob{},
		Pipeline{},
		UpsertApplication{Name: "createApplication"},
		UpsertApplication{Name: "updateApplication"},
		UpsertApplication{Name: "upsertApplication"},
		DeleteApplication{},
		SavePipeline{Name: "savePipeline"},
		SavePipeline{Name: "updatePipeline"},
		DeletePipeline{},
	}
}
