// Package stages holds the stage types, one a file, named for the type.
package stages

import "github.com/gennaker/gennaker/workflows"

// All lists every stage type that Gennaker runs, and those of Spinnaker that it
// knows and does not run ([Unavailable]).
func All() []workflows.StageType {
	return withUnavailable([]workflows.StageType{
		Wait{},
		RestrictExecution{},
		ManualJudgment{},
		DeployManifest{},
		DeleteManifest{},
		PatchManifest{},
		ScaleManifest{},
		UndoRolloutManifest{},
		PauseRolloutManifest{},
		ResumeRolloutManifest{},
		RollingRestartManifest{},
		EnableManifest{},
		DisableManifest{},
		FindArtifactsFromResource{},
		ResizeServerGroup{},
		RunJob{},
		BakeManifest{},
		Pipeline{},
		UpsertApplication{Name: "createApplication"},
		UpsertApplication{Name: "updateApplication"},
		UpsertApplication{Name: "upsertApplication"},
		DeleteApplication{},
		SavePipeline{Name: "savePipeline"},
		SavePipeline{Name: "updatePipeline"},
		DeletePipeline{},
		ReorderPipelines{},
		FindArtifactFromExecution{},
		EvaluateArtifacts{},
		CheckPreconditions{},
		EvaluateVariables{},
		WaitUntil{},
		WaitForCondition{},
		MonitorPipeline{},
		DependsOnExecution{},
		Noop{},
		RunMultiplePipelines{},
		SavePipelinesFromArtifact{},
		SaveTemplate{Name: "createV2PipelineTemplate"},
		SaveTemplate{Name: "updateV2PipelineTemplate"},
		DeleteTemplate{},
		UpsertProject{},
		DeleteProject{},
		UpsertEntityTags{},
		DeleteEntityTags{},
		UpsertPluginInfo{},
		DeletePluginInfo{},
		Webhook{},
		PreconfiguredWebhook{Webhook: Webhook{preconfigured: true}},
	})
}
