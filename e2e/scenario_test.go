package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamldecoder "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/e2e/harness"
	"github.com/gennaker/gennaker/pipeline"
)

// scenario is one folder of scenarios/; see the README there.
type scenario struct {
	// About says what the case shows.
	About string `json:"about"`
	// Trigger is the body of the start; {"type": "manual"} when absent.
	Trigger pipeline.Map `json:"trigger"`
	// Script is what people do meanwhile, in order.
	Script []step `json:"script"`
	// Expect is the end.
	Expect expectation `json:"expect"`
}

// step waits until the stage has the status, then does one thing.
type step struct {
	Stage string `json:"stage"`
	// Status is RUNNING when absent.
	Status pipeline.Status `json:"status"`
	// Task waits further until the stage runs this task.
	Task string `json:"task"`
	// Patch is merged into the stage's context.
	Patch pipeline.Map `json:"patch"`
	// Child patches the same-named stage of the execution that Stage started.
	Child *step `json:"child"`
	// Cancel cancels the execution for this reason.
	Cancel string `json:"cancel"`
	// MakeReady makes held-back pods ready whose names begin so.
	MakeReady string `json:"makeReady"`
	// Finish ends the containers of pods whose names begin so.
	Finish string `json:"finish"`
}

type expectation struct {
	Status pipeline.Status `json:"status"`
	// Stages is the status of every stage by its name.
	Stages map[string]pipeline.Status `json:"stages"`
	// Errors holds parts of stages' errors.
	Errors map[string][]string `json:"errors"`
	// Attempts is how many attempts a stage shows; absent stages show none.
	Attempts map[string]int `json:"attempts"`
	// Outputs holds parts of stages' outputs, as JSON merge.
	Outputs map[string]pipeline.Map `json:"outputs"`
	// Execution holds parts of the execution itself.
	Execution pipeline.Map `json:"execution"`
	// Objects are in the cluster at the end, or are not.
	Objects []object `json:"objects"`
	// Writes lists what the product changed in the namespace, in order, as
	// "verb resource/name"; absent is not checked.
	Writes []string `json:"writes"`
}

type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Absent     bool   `json:"absent"`
	// Holds is a part of the object.
	Holds pipeline.Map `json:"holds"`
}

// TestScenarios runs every folder of scenarios/ against the whole system.
func TestScenarios(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("scenarios", "*", "scenario.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, file := range folders {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			runScenario(t, folder)
		})
	}
}

func runScenario(t *testing.T, folder string) {
	ctx := within(t, 90*time.Second)
	w := newWorld(t, ctx)
	play := &play{world: w, folder: folder, words: map[string]string{"namespace": w.Namespace, "application": w.Application}}
	if repository := filepath.Join(folder, "repository"); exists(repository) {
		play.words["repository"] = serveRepository(t, ctx, repository)
	}
	var sc scenario
	require.NoError(t, yaml.UnmarshalStrict(play.read(t, "scenario.yaml"), &sc))
	play.makeObjects(t, ctx)
	name := play.savePipelines(t, ctx)
	id, err := w.Gate.Start(ctx, w.Application, name, sc.Trigger)
	require.NoError(t, err)
	for i, s := range sc.Script {
		require.NoError(t, play.do(ctx, id, s), "step %d", i+1)
	}
	e, err := w.Gate.AwaitEnd(ctx, id)
	require.NoError(t, err)
	play.check(t, ctx, e, sc.Expect)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// play is a scenario in progress.
type play struct {
	*world
	folder string
	words  map[string]string
}

// read returns a file of the folder with its {{words}} filled in.
func (p *play) read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(p.folder, name))
	require.NoError(t, err)
	for word, value := range p.words {
		raw = bytes.ReplaceAll(raw, []byte("{{"+word+"}}"), []byte(value))
	}
	require.NotContains(t, string(raw), "{{", "a word that is not known")
	return raw
}

func (p *play) makeObjects(t *testing.T, ctx context.Context) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(p.folder, "objects.yaml")); errors.Is(err, os.ErrNotExist) {
		return
	}
	decoder := yamldecoder.NewYAMLOrJSONDecoder(bytes.NewReader(p.read(t, "objects.yaml")), 4096)
	for {
		var o unstructured.Unstructured
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		require.NoError(t, p.Cluster.Create(ctx, &o, p.Namespace))
	}
}

// savePipelines saves every NAME.pipeline.json first, so that pipeline.json can
// name them as {{NAME}}, and returns the name of the main one.
func (p *play) savePipelines(t *testing.T, ctx context.Context) string {
	t.Helper()
	others, err := filepath.Glob(filepath.Join(p.folder, "*.pipeline.json"))
	require.NoError(t, err)
	for _, file := range others {
		base := filepath.Base(file)
		_, id := p.save(t, ctx, base)
		p.words[strings.TrimSuffix(base, ".pipeline.json")] = id
	}
	name, _ := p.save(t, ctx, "pipeline.json")
	return name
}

func (p *play) save(t *testing.T, ctx context.Context, file string) (name, id string) {
	t.Helper()
	var config pipeline.Map
	require.NoError(t, json.Unmarshal(p.read(t, file), &config), file)
	if config.String("application") == "" {
		config["application"] = p.Application
	}
	if config.String("name") == "" {
		config["name"] = strings.TrimSuffix(file, ".json")
	}
	id, err := p.Gate.Save(ctx, config)
	require.NoError(t, err, file)
	return config.String("name"), id
}

func (p *play) do(ctx context.Context, id string, s step) error {
	status := s.Status
	if status == "" {
		status = pipeline.Running
	}
	e, err := p.Gate.AwaitStage(ctx, id, s.Stage, status)
	if err == nil && s.Task != "" {
		_, err = p.Gate.AwaitTask(ctx, id, s.Stage, s.Task)
	}
	if err != nil {
		return err
	}
	switch {
	case s.Child != nil:
		child := ""
		_, err = p.Gate.Await(ctx, id, "a child of '"+s.Stage+"'", func(e *pipeline.Execution) bool {
			child = harness.StageNamed(e, s.Stage).Context.String("executionId")
			return child != ""
		})
		if err != nil {
			return err
		}
		return p.do(ctx, child, *s.Child)
	case s.Patch != nil:
		return p.Gate.Patch(ctx, e.ID, s.Stage, s.Patch)
	case s.Cancel != "":
		return p.Gate.Cancel(ctx, e.ID, s.Cancel)
	case s.MakeReady != "":
		return p.Cluster.MakeReady(ctx, p.Namespace, s.MakeReady)
	case s.Finish != "":
		return p.Cluster.Finish(ctx, p.Namespace, s.Finish)
	}
	return nil
}

func (p *play) check(t *testing.T, ctx context.Context, e *pipeline.Execution, want expectation) {
	t.Helper()
	seen := map[string]pipeline.Status{}
	for _, s := range e.Stages {
		seen[s.Name] = s.Status
		require.Len(t, s.Context.List("attempts"), want.Attempts[s.Name], "attempts of '%s': %s", s.Name, harness.Describe(e))
		for _, part := range want.Errors[s.Name] {
			require.Contains(t, harness.Errors(s), part, "errors of '%s'", s.Name)
		}
		if len(want.Errors[s.Name]) == 0 && s.Status == pipeline.Succeeded {
			require.Empty(t, harness.Errors(s), "errors of '%s'", s.Name)
		}
		requirePart(t, map[string]any(want.Outputs[s.Name]), map[string]any(s.Outputs), "outputs of '"+s.Name+"'")
	}
	require.Equal(t, want.Stages, seen, harness.Describe(e))
	require.Equal(t, want.Status, e.Status, harness.Describe(e))
	whole, err := pipeline.ToValue(e)
	require.NoError(t, err)
	requirePart(t, map[string]any(want.Execution), whole, "execution")
	for _, o := range want.Objects {
		live, err := p.Cluster.Get(ctx, o.APIVersion, o.Kind, p.Namespace, o.Name)
		require.NoError(t, err)
		if o.Absent {
			require.True(t, live == nil || live.GetDeletionTimestamp() != nil, "%s %s is there", o.Kind, o.Name)
			continue
		}
		require.NotNil(t, live, "%s %s is not there", o.Kind, o.Name)
		requirePart(t, map[string]any(o.Holds), live.Object, o.Kind+" "+o.Name)
	}
	if want.Writes != nil {
		require.Equal(t, want.Writes, p.writes(t))
	}
}

// writes lists what the product changed in the namespace as "verb object".
func (w *world) writes(t *testing.T) []string {
	t.Helper()
	list, err := w.Cluster.Writes(w.Namespace)
	require.NoError(t, err)
	out := make([]string, 0, len(list))
	for _, one := range list {
		out = append(out, one.Verb+" "+one.Object)
	}
	return out
}

// requirePart checks that every value of want is in have, deep inside objects;
// lists match element by element.
func requirePart(t *testing.T, want, have any, where string) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		if len(want) == 0 {
			return
		}
		m := map[string]any(pipeline.AsMap(have))
		require.NotNil(t, m, "%s is %v", where, have)
		for k, v := range want {
			requirePart(t, v, m[k], where+"."+k)
		}
	case []any:
		list, ok := have.([]any)
		require.True(t, ok, "%s is %v", where, have)
		require.Len(t, list, len(want), where)
		for i, v := range want {
			requirePart(t, v, list[i], fmt.Sprintf("%s[%d]", where, i))
		}
	default:
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(have), where)
	}
}
