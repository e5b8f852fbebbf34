package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/workflows"
)

func TestManifestLines(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	require.Empty(t, manifestLines(nil))
	require.Equal(t, []string{"account prod: The account is away."}, manifestLines(&workflows.PlannedManifests{Account: "prod", Message: "The account is away."}))
	require.Equal(t, []string{"account prod: nothing"}, manifestLines(&workflows.PlannedManifests{Account: "prod"}))
	require.Equal(t, []string{
		"account prod: 1 refused, 1 created, 1 changed, 2 left",
		"! refused job once in shop", "    Immutable.", "    spec.template: immutable",
		"+ created configMap settings-v001 in shop, compared with settings-v000",
		"    data.file:", "      - old", "      - same", "      + new", "      + same",
		"~ changed secret token in shop",
		"    data.password: changes (secret)", "    metadata.labels.a: (none) -> b", "    ... and 3 more fields",
		"... and 1 more objects",
	}, manifestLines(&workflows.PlannedManifests{
		Account: "prod", Cut: 1,
		Counts: map[activities.PlanAction]int{activities.PlanLeft: 2, activities.PlanChanged: 1, activities.PlanCreated: 1, activities.PlanRefused: 1},
		Objects: []activities.PlannedObject{
			{Kind: "job", Namespace: "shop", Name: "once", Action: activities.PlanRefused, Message: "Immutable.", Details: []string{"spec.template: immutable"}},
			{Kind: "service", Name: "web", Action: activities.PlanLeft},
			{Kind: "configMap", Namespace: "shop", Name: "settings-v001", Action: activities.PlanCreated, ComparedWith: "settings-v000",
				Changes: []activities.FieldChange{{Path: "data.file", Before: text("old\nsame"), After: text("new\nsame")}}},
			{Kind: "secret", Namespace: "shop", Name: "token", Action: activities.PlanChanged, MoreChanges: 3,
				Changes: []activities.FieldChange{{Path: "data.password", Hidden: true}, {Path: "metadata.labels.a", After: text("b")}}},
		},
	}))
}
