package pipeline

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// withArtifacts is a pipeline that expects a jar by name, an image or else its
// default, and a chart or else the one of the execution before.
func withArtifacts(t *testing.T) Pipeline {
	t.Helper()
	return decode[Pipeline](t, []byte(`{"id":"P1","application":"a","name":"P","stages":[],"expectedArtifacts":[
		{"id":"jar","matchArtifact":{"name":"shop.jar"}},
		{"id":"image","matchArtifact":{"type":"docker/image"},"useDefaultArtifact":true,"defaultArtifact":{"type":"docker/image","version":"stable"}},
		{"id":"chart","matchArtifact":{"type":"helm/chart"},"usePriorArtifact":true}]}`))
}

func TestArtifactsAtTheStart(t *testing.T) {
	t.Parallel()
	var (
		jar    = Artifact{Name: "shop.jar"}
		chart  = Artifact{Type: "helm/chart", Version: "2"}
		prior  = Artifact{Type: "helm/chart", Version: "1"}
		image  = Artifact{Type: "docker/image", Version: "7"}
		stable = Artifact{Type: "docker/image", Version: "stable"}
	)
	for _, tt := range []struct {
		name      string
		launch    func(*Launch)
		want      []Artifact
		bound     map[string]Artifact
		wantPrior bool
		err       string
	}{
		{name: "nothing sent", launch: func(l *Launch) {}, wantPrior: true, err: "Unmatched expected artifact 'chart' {type: helm/chart} could not be resolved."},
		{name: "prior and default", launch: func(l *Launch) { l.Prior = []Artifact{image, prior} }, wantPrior: true,
			want: []Artifact{stable, prior}, bound: map[string]Artifact{"image": stable, "chart": prior}},
		{name: "all from the trigger", launch: func(l *Launch) {
			l.Trigger.Artifacts = []Artifact{jar, chart, image, chart}
			l.Trigger.Other = Map{"expectedArtifactIds": []any{"jar"}}
		}, want: []Artifact{jar, chart, image}, bound: map[string]Artifact{"jar": jar, "image": image, "chart": chart}},
		{name: "received come first", launch: func(l *Launch) {
			l.Trigger.Artifacts = []Artifact{jar}
			l.Received = []Artifact{chart, jar}
		}, want: []Artifact{chart, jar, stable}, bound: map[string]Artifact{"image": stable, "chart": chart}},
		{name: "one that the launch asks for", launch: func(l *Launch) {
			l.ExpectedArtifactIDs = []string{"jar"}
			l.Received = []Artifact{chart}
		}, err: "Unmatched expected artifact 'jar' {name: shop.jar} could not be resolved."},
		{name: "two that fit", launch: func(l *Launch) { l.Received = []Artifact{chart, prior} },
			err: "Expected artifact 'chart' {type: helm/chart} matches multiple artifacts [{type: helm/chart, version: 2}, {type: helm/chart, version: 1}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := launch()
			tt.launch(&l)
			p := withArtifacts(t)
			needs := []string{}
			for _, x := range l.NeedsPrior(p) {
				needs = append(needs, x.ID)
			}
			require.Equal(t, tt.wantPrior, slices.Equal(needs, []string{"chart"}), needs)
			require.Equal(t, tt.wantPrior, len(needs) > 0)
			e, err := NewExecution(p, l)
			require.NotNil(t, e)
			require.Equal(t, "P1", e.PipelineConfigID)
			if tt.err != "" {
				require.Equal(t, tt.err, MessageOf(err))
				require.Equal(t, CodeInvalid, CodeOf(err))
				require.ErrorIs(t, err, ErrUnresolved)
				require.Equal(t, DistinctArtifacts(append(l.Received, l.Trigger.Artifacts...)), e.Trigger.Artifacts)
				require.Empty(t, e.Trigger.ResolvedExpectedArtifacts)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, e.Trigger.Artifacts)
			bound := map[string]Artifact{}
			for _, x := range e.Trigger.ResolvedExpectedArtifacts {
				bound[x.ID] = *x.BoundArtifact
			}
			require.Equal(t, tt.bound, bound)
			same, err := ToValue(e.Trigger.ResolvedExpectedArtifacts)
			require.NoError(t, err)
			require.Equal(t, same, e.Trigger.Other["expectedArtifacts"])
		})
	}
}

func TestArtifactsOfTheConfigurationItself(t *testing.T) {
	t.Parallel()
	p := withArtifacts(t)
	p["receivedArtifacts"] = []any{map[string]any{"type": "helm/chart", "name": "mine"}}
	l := launch()
	l.Received = named("received")
	l.Trigger.Artifacts = named("sent")
	l.Trigger.Other = Map{"expectedArtifactIds": []any{"x"}, "hash": "h"}
	l.ExpectedArtifactIDs = []string{"y", "x"}
	e, err := NewExecution(p, l)
	require.NoError(t, err)
	require.Equal(t, []Artifact{{Name: "received"}, {Type: "helm/chart", Name: "mine"}, {Name: "sent"}, {Type: "docker/image", Version: "stable"}}, e.Trigger.Artifacts)
	require.Equal(t, []any{"x", "y"}, e.Trigger.Other["expectedArtifactIds"])
	require.Equal(t, "h", e.Trigger.Other["hash"])
	require.Equal(t, Map{"expectedArtifactIds": []any{"x"}, "hash": "h"}, l.Trigger.Other, "the caller's trigger stays as it was")
}

// A client cannot bind artifacts by itself.
func TestResolvedArtifactsAreNotTheClients(t *testing.T) {
	t.Parallel()
	l := launch()
	l.Trigger.ResolvedExpectedArtifacts = []ExpectedArtifact{expect("1", "forged")}
	l.Trigger.Other = Map{"expectedArtifacts": []any{map[string]any{"id": "forged"}}}
	e, err := NewExecution(Pipeline{"application": "a", "name": "P", "stages": []any{}}, l)
	require.NoError(t, err)
	require.Empty(t, e.Trigger.ResolvedExpectedArtifacts)
	require.Equal(t, []any{}, e.Trigger.Other["expectedArtifacts"])
}

func TestArtifactsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		config Pipeline
		code   Code
		want   string
	}{
		{"expected", Pipeline{"expectedArtifacts": []any{"x"}}, CodeInvalid, "The artifacts of pipeline 'P' cannot be read: Expected artifact 1 is a string"},
		{"received", Pipeline{"receivedArtifacts": []any{"x"}}, CodeInvalid, "The artifacts of pipeline 'P' cannot be read: Artifact 1 is a string"},
		{"too many", Pipeline{"receivedArtifacts": make([]any, MaxArtifacts+1)}, "", ""},
		{"too many expected", Pipeline{"expectedArtifacts": many(MaxExpectedArtifacts + 1)}, CodeTooLarge, "501 artifacts are expected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.config["application"], tt.config["name"], tt.config["stages"] = "a", "P", []any{}
			e, err := NewExecution(tt.config, launch())
			require.Empty(t, launch().NeedsPrior(tt.config))
			if tt.want == "" {
				require.NoError(t, err, "null elements do not count")
				return
			}
			require.Nil(t, e)
			require.Equal(t, tt.code, CodeOf(err))
			require.Contains(t, MessageOf(err), tt.want)
			require.NotErrorIs(t, err, ErrUnresolved)
		})
	}
}

func many(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{}
	}
	return out
}

func TestExpectedFrom(t *testing.T) {
	t.Parallel()
	p := withArtifacts(t)
	p["triggers"] = []any{
		map[string]any{"type": "pipeline", "pipeline": "mum", "expectedArtifactIds": []any{"named", "jar"}},
		map[string]any{"type": "pipeline", "pipeline": "aunt", "expectedArtifactIds": []any{"aunts"}},
		map[string]any{"type": "docker", "pipeline": "mum", "expectedArtifactIds": []any{"dockers"}},
		"no trigger",
	}
	ids, err := p.ExpectedFrom("mum", []Artifact{{Type: "helm/chart"}, {Name: "shop.jar"}, {Name: "else"}})
	require.NoError(t, err)
	require.Equal(t, []string{"named", "jar", "chart"}, ids)
	ids, err = p.ExpectedFrom("", nil)
	require.NoError(t, err)
	require.Empty(t, ids)
	p["expectedArtifacts"] = []any{int64(1)}
	_, err = p.ExpectedFrom("mum", nil)
	require.ErrorContains(t, err, "The artifacts of pipeline 'P' cannot be read")
}
