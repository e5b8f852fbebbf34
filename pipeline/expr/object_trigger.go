package expr

import (
	"slices"

	"github.com/gennaker/gennaker/pipeline"
)

func (o *artifactObject) class() string { return "Artifact" }

func (o *artifactObject) identity() any { return o.Artifact }

func (o *artifactObject) names() []string {
	return []string{"type", "name", "version", "location", "reference", "metadata", "artifactAccount", "provenance", "uuid", "customKind"}
}

func (o *artifactObject) property(_ *evaluator, name string) (any, bool, *Error) {
	switch name {
	case "type":
		return orNull(o.Type), true, nil
	case "customKind":
		return o.CustomKind, true, nil
	case "name":
		return orNull(o.Name), true, nil
	case "version":
		return orNull(o.Version), true, nil
	case "location":
		return orNull(o.Location), true, nil
	case "reference":
		return orNull(o.Reference), true, nil
	case "metadata":
		return notNil(o.Metadata), true, nil
	case "artifactAccount":
		return orNull(o.ArtifactAccount), true, nil
	case "provenance":
		return orNull(o.Provenance), true, nil
	case "uuid":
		return orNull(o.UUID), true, nil
	}
	return nil, false, nil
}

func (o *expectedObject) class() string { return "ExpectedArtifact" }

func (o *expectedObject) identity() any { return o.ExpectedArtifact }

func (o *expectedObject) property(_ *evaluator, name string) (any, bool, *Error) {
	artifact := func(a *pipeline.Artifact) (any, bool, *Error) {
		if a == nil {
			return nil, true, nil
		}
		return &artifactObject{a}, true, nil
	}
	switch name {
	case "id":
		return orNull(o.ID), true, nil
	case "matchArtifact":
		return artifact(o.MatchArtifact)
	case "defaultArtifact":
		return artifact(o.DefaultArtifact)
	case "boundArtifact":
		return artifact(o.BoundArtifact)
	case "usePriorArtifact":
		return o.UsePriorArtifact, true, nil
	case "useDefaultArtifact":
		return o.UseDefaultArtifact, true, nil
	}
	return nil, false, nil
}

func (o *triggerObject) class() string { return "Trigger" }

func (o *triggerObject) identity() any { return o.Trigger }

func (o *triggerObject) names() []string {
	return []string{"type", "correlationId", "user", "parameters", "artifacts", "notifications", "rebake", "dryRun", "strategy", "resolvedExpectedArtifacts", "other"}
}

func (o *triggerObject) property(ev *evaluator, name string) (any, bool, *Error) {
	t := o.Trigger
	switch name {
	case "type":
		return orNull(t.Type), true, nil
	case "correlationId":
		return orNull(t.CorrelationID), true, nil
	case "user":
		return orNull(t.User), true, nil
	case "parameters":
		return notNil(t.Parameters), true, nil
	case "notifications":
		return t.Notifications, true, nil
	case "rebake":
		return t.Rebake, true, nil
	case "dryRun":
		return t.DryRun, true, nil
	case "strategy":
		return t.Strategy, true, nil
	case "other":
		return triggerMap(t), true, nil
	case "artifacts":
		items := make([]any, len(t.Artifacts))
		for i := range t.Artifacts {
			items[i] = &artifactObject{&t.Artifacts[i]}
		}
		return newList(items), true, nil
	case "resolvedExpectedArtifacts":
		items := make([]any, len(t.ResolvedExpectedArtifacts))
		for i := range t.ResolvedExpectedArtifacts {
			items[i] = &expectedObject{&t.ResolvedExpectedArtifacts[i]}
		}
		return newList(items), true, nil
	case "parentExecution":
		if t.Parent != nil && t.Other[name] == nil {
			v, err := ev.load(&parentExecution{*t.Parent})
			return v, true, err
		}
	}
	if !slices.Contains(triggerProperties[t.Type], name) {
		return nil, false, nil
	}
	return t.Other[name], true, nil
}

func (o *authObject) class() string { return "AuthenticationDetails" }

func (o *authObject) identity() any { return o.Authentication }

func (o *authObject) names() []string { return []string{"user", "allowedAccounts"} }

func (o *authObject) property(_ *evaluator, name string) (any, bool, *Error) {
	switch name {
	case "user":
		return orNull(o.User), true, nil
	case "allowedAccounts":
		return textList(o.AllowedAccounts), true, nil
	}
	return nil, false, nil
}

func (o *scmObject) class() string { return "SourceControl" }

func (o *scmObject) identity() any { return o }

func (o *scmObject) names() []string { return []string{"name", "branch", "sha1"} }

func (o *scmObject) property(_ *evaluator, name string) (any, bool, *Error) {
	switch name {
	case "name", "branch", "sha1":
		v, _ := o.m.lookup(name)
		return v, true, nil
	}
	return nil, false, nil
}
