package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func decode[T any](t testing.TB, b []byte) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// What was saved is what is read: not one key, null or decimal is lost.
func TestPipelineDocumentsAreKeptWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pipelines/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in := readFile(t, file)
			want, err := DecodeValue(in)
			require.NoError(t, err)
			p := decode[Pipeline](t, in)
			got, err := DecodeValue(encode(t, p))
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, p, p.Clone())
			require.NoError(t, p.Validate())
		})
	}
}

func TestTriggersKeepUnknownKeys(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/triggers/*.json")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			first := decode[Trigger](t, readFile(t, file))
			second := decode[Trigger](t, encode(t, first))
			third := decode[Trigger](t, encode(t, second))
			require.Equal(t, second, third)
			require.Equal(t, first.Other, second.Other)
			raw := decode[Map](t, readFile(t, file))
			out := decode[Map](t, encode(t, first))
			for k, v := range raw {
				if k != "artifacts" {
					require.Equal(t, v, out[k], k)
				}
			}
		})
	}
	trigger := decode[Trigger](t, readFile(t, "testdata/triggers/pubsub.json"))
	require.Empty(t, trigger.User, "User is not user")
	require.Equal(t, "pubsub", trigger.Type)
	require.Contains(t, trigger.Other, "messageId", "a null is kept")
}

func TestTriggerWritesEmptyListsNotNull(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"parameters":{},"artifacts":[],"notifications":[],"rebake":false,"dryRun":false,"strategy":false,"resolvedExpectedArtifacts":[]}`,
		string(encode(t, Trigger{})))
}

// An unknown key can never take the place of a known one.
func TestTriggerOtherNeverShadows(t *testing.T) {
	t.Parallel()
	out := decode[Map](t, encode(t, Trigger{User: "ines", Other: Map{"user": "mallory", "type": "x", "correlationId": "y", "more": true}}))
	require.Equal(t, "ines", out["user"])
	require.NotContains(t, out, "type")
	require.NotContains(t, out, "correlationId")
	require.Equal(t, true, out["more"])
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	artifact := decode[Trigger](t, readFile(t, "testdata/triggers/jenkins.json")).Artifacts[0]
	require.Equal(t, Artifact{
		Type: "deb", Name: "bread", Version: "12", CustomKind: true,
		Metadata: Map{"a": int64(1), "fingerprint": "ab"},
	}, artifact)
	require.Equal(t, artifact, decode[Artifact](t, encode(t, artifact)))

	kept := decode[Artifact](t, []byte(`{"metadata":{"x":1},"x":2,"Name":"n"}`))
	require.Equal(t, Artifact{Metadata: Map{"x": int64(1), "Name": "n"}}, kept)

	expected := decode[ExpectedArtifact](t, encode(t, decode[Pipeline](t, readFile(t, "testdata/pipelines/deploy_and_verify.json"))["expectedArtifacts"].([]any)[0]))
	require.Equal(t, "e1", expected.ID)
	require.True(t, expected.MatchArtifact.CustomKind)
	require.Equal(t, expected, decode[ExpectedArtifact](t, encode(t, expected)))

	var a Artifact
	require.Error(t, json.Unmarshal([]byte(`{"name":["a"]}`), &a))
	require.Error(t, json.Unmarshal([]byte(`[]`), &a))
}

func TestExecutionRoundTrip(t *testing.T) {
	t.Parallel()
	in := readFile(t, "testdata/execution.json")
	e := decode[*Execution](t, in)
	want, err := DecodeValue(in)
	require.NoError(t, err)
	got, err := DecodeValue(encode(t, e))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, e, decode[*Execution](t, encode(t, e)))
}

// A copy reads the same to clients, above all [] where the original has [].
func TestExecutionCloneIsEqualAndSharesNothing(t *testing.T) {
	t.Parallel()
	e := decode[*Execution](t, readFile(t, "testdata/execution.json"))
	e.Trigger = decode[Trigger](t, readFile(t, "testdata/triggers/jenkins.json"))
	e.Trigger.Parent = &ParentRef{ExecutionID: "p"}
	e.Trigger.ResolvedExpectedArtifacts = []ExpectedArtifact{{ID: "e", BoundArtifact: &Artifact{Metadata: Map{"m": "1"}}}}
	before := encode(t, e)
	c := e.Clone()
	require.Equal(t, string(before), string(encode(t, c)))

	c.Stages[0].Context["x"] = 1
	c.Stages[0].Tasks[0].Name = "x"
	c.Stages[0].LastModified.User = "x"
	c.Stages[0].RequisiteStageRefIDs = append(c.Stages[0].RequisiteStageRefIDs, "x")
	c.Source["x"] = 1
	c.Notifications[0]["x"] = 1
	c.Trigger.Parameters["x"] = 1
	c.Trigger.Other["x"] = 1
	c.Trigger.Artifacts[0].Name = "x"
	c.Trigger.Artifacts[0].Metadata["x"] = 1
	c.Trigger.Parent.ExecutionID = "x"
	c.Trigger.ResolvedExpectedArtifacts[0].BoundArtifact.Metadata["x"] = 1
	require.Equal(t, string(before), string(encode(t, e)))
}

func TestExecutionSummary(t *testing.T) {
	t.Parallel()
	e := decode[*Execution](t, readFile(t, "testdata/execution.json"))
	before := encode(t, e)
	s := e.Summary()
	require.Len(t, s.Stages, 2)
	require.Equal(t, Map{"group": "ovens"}, s.Stages[0].Context)
	require.Equal(t, Map{}, s.Stages[1].Context)
	require.Equal(t, Map{}, s.Stages[1].Outputs)
	require.Empty(t, s.Stages[0].Tasks)
	require.Contains(t, string(encode(t, s)), `"tasks":[]`)
	require.Equal(t, Running, s.Stages[0].Status)
	require.Equal(t, string(before), string(encode(t, e)), "the summary leaves the execution as it was")
}

func TestStageLookup(t *testing.T) {
	t.Parallel()
	e := decode[*Execution](t, readFile(t, "testdata/execution.json"))
	require.Equal(t, "After", e.StageByRef("1>1").Name)
	require.Equal(t, "After", e.Stage("01J1CB4V1GJ4Z0X4T3J8Q6Y5ZC").Name)
	require.Nil(t, e.Stage(""))
	require.Nil(t, e.StageByRef("9"))
}

func FuzzTrigger(f *testing.F) {
	for _, file := range []string{"jenkins", "pubsub"} {
		f.Add(readFile(f, "testdata/triggers/"+file+".json"))
	}
	f.Add([]byte(`{"parent":{},"Parent":1,"user":5,"rebake":"x","artifacts":[{"a":{}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first Trigger
		if json.Unmarshal(data, &first) != nil {
			return
		}
		second := decode[Trigger](t, encode(t, first))
		require.Equal(t, string(encode(t, first)), string(encode(t, second)))
		require.Equal(t, string(encode(t, first)), string(encode(t, first.Clone())))
	})
}
