package pipeline

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func stage(ref string, requisites ...string) StageConfig {
	return StageConfig{RefID: ref, Name: "S" + ref, Type: "wait", RequisiteStageRefIDs: requisites}
}

func TestValidateGraph(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		stages []StageConfig
		faults []string
	}{
		{"empty", nil, nil},
		{"one", []StageConfig{stage("1")}, nil},
		{"diamond in any order", []StageConfig{stage("4", "2", "3"), stage("2", "1"), stage("3", "1"), stage("1")}, nil},
		{"a requisite twice", []StageConfig{stage("1"), stage("2", "1", "1")}, nil},
		{"no refId", []StageConfig{stage(""), stage("2")},
			[]string{"The stage 'S' has no refId while others have one: give every stage a refId, or none."}},
		{"shared refId", []StageConfig{stage("1"), {RefID: "1", Name: "Other"}},
			[]string{"The stages 'S1' and 'Other' share the refId '1': give each its own."}},
		{"unknown requisite", []StageConfig{stage("1", "7")},
			[]string{"The stage 'S1' (refId '1') requires the stage with refId '7', which does not exist: correct requisiteStageRefIds."}},
		{"circle of one", []StageConfig{stage("1", "1")},
			[]string{"The stage 'S1' (refId '1') requires itself: remove its own refId from requisiteStageRefIds."}},
		{"circle of two", []StageConfig{stage("1", "2"), stage("2", "1")},
			[]string{"The stages 'S1' (refId '1') → 'S2' (refId '2') → 'S1' (refId '1') require each other in a circle, so none of them could ever start: remove one of the requisites."}},
		{"circle of three behind a tail", []StageConfig{stage("0", "1"), stage("1", "2"), stage("2", "3"), stage("3", "1")},
			[]string{"The stages 'S1' (refId '1') → 'S2' (refId '2') → 'S3' (refId '3') → 'S1' (refId '1') require each other in a circle, so none of them could ever start: remove one of the requisites."}},
		{"a circle beside a good branch", []StageConfig{stage("1"), stage("2", "1"), stage("3", "2", "4"), stage("4", "3")},
			[]string{"The stages 'S3' (refId '3') → 'S4' (refId '4') → 'S3' (refId '3') require each other in a circle, so none of them could ever start: remove one of the requisites."}},
		{"every fault at once", []StageConfig{stage(""), stage("1", "1", "8"), stage("1")}, []string{
			"The stage 'S' has no refId while others have one: give every stage a refId, or none.",
			"The stages 'S1' and 'S1' share the refId '1': give each its own.",
			"The stage 'S1' (refId '1') requires itself: remove its own refId from requisiteStageRefIds.",
			"The stage 'S1' (refId '1') requires the stage with refId '8', which does not exist: correct requisiteStageRefIds.",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := ValidateGraph(tt.stages)
			if tt.faults == nil {
				require.NoError(t, err)
				return
			}
			require.Equal(t, CodeInvalid, CodeOf(err))
			require.Equal(t, tt.faults, DetailsOf(err))
		})
	}
}

// The largest pipelines are validated at once, whatever their shape: a chain
// (the deepest walk), a closed chain, and full layers (the most edges).
func TestValidateGraphIsFast(t *testing.T) {
	t.Parallel()
	chain := make([]StageConfig, MaxStages)
	for i := range chain {
		chain[i] = stage(strconv.Itoa(i))
		if i+1 < MaxStages {
			chain[i].RequisiteStageRefIDs = []string{strconv.Itoa(i + 1)}
		}
	}
	start := time.Now()
	require.NoError(t, ValidateGraph(chain))
	chain[MaxStages-1].RequisiteStageRefIDs = []string{"0"}
	require.ErrorContains(t, ValidateGraph(chain), "in a circle")

	var layers []StageConfig
	for layer := range 20 {
		for i := range 50 {
			s := stage(strconv.Itoa(layer) + "." + strconv.Itoa(i))
			for j := range 50 {
				if layer > 0 {
					s.RequisiteStageRefIDs = append(s.RequisiteStageRefIDs, strconv.Itoa(layer-1)+"."+strconv.Itoa(j))
				}
			}
			layers = append(layers, s)
		}
	}
	require.NoError(t, ValidateGraph(layers))
	require.Less(t, time.Since(start), 5*time.Second)
}
