package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// Rows of reference: clouddriver section 11 on properties.
func TestReadProperties(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, log string
		want      pipeline.Map
	}{
		{"keys become lower case", "SPINNAKER_PROPERTY_Version=1.2\n", pipeline.Map{"version": "1.2"}},
		{"the first = splits", "SPINNAKER_PROPERTY_B64=YWJj==\r\nother\n", pipeline.Map{"b64": "YWJj=="}},
		{"spaces go", "  SPINNAKER_PROPERTY_a = b c  \n", pipeline.Map{"a": "b c"}},
		{"what stands before stays", "INFO SPINNAKER_PROPERTY_A=1", pipeline.Map{"info a": "1"}},
		{"no value, no property", "SPINNAKER_PROPERTY_A=\nSPINNAKER_PROPERTY_B\n", pipeline.Map{}},
		{"JSON", `SPINNAKER_CONFIG_JSON={"a":1,"B":{"c":[true]}}` + "\n", pipeline.Map{"a": int64(1), "B": map[string]any{"c": []any{true}}}},
		{"later lines win", "SPINNAKER_PROPERTY_A=1\n" + `   SPINNAKER_CONFIG_JSON={"a":2}` + "\n", pipeline.Map{"a": int64(2)}},
		{"JSON stands at the beginning of a line", `x SPINNAKER_CONFIG_JSON={"a":1}` + "\n", pipeline.Map{}},
		{"nothing", "", pipeline.Map{}},
		{"long lines of other text", strings.Repeat("x", 3<<20) + "\nSPINNAKER_PROPERTY_A=1", pipeline.Map{"a": "1"}},
	} {
		got, err := readProperties(strings.NewReader(c.log))
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
	for want, log := range map[string]string{
		"is no JSON object":              `SPINNAKER_CONFIG_JSON={"a":`,
		"is no JSON object. ":            `SPINNAKER_CONFIG_JSON=[1]`,
		"A line with properties is over": "SPINNAKER_PROPERTY_A=" + strings.Repeat("x", 2<<20),
		"The log holds more than":        strings.Repeat("SPINNAKER_PROPERTY_A="+strings.Repeat("x", 1<<19)+"\n", 9),
	} {
		_, err := readProperties(strings.NewReader(log))
		require.ErrorContains(t, err, strings.TrimSuffix(want, " "))
	}
}

func FuzzReadProperties(f *testing.F) {
	for _, seed := range []string{"SPINNAKER_PROPERTY_A=1\n", `SPINNAKER_CONFIG_JSON={"a":{}}`, "\x00SPINNAKER_PROPERTY_=\n=", "SPINNAKER_CONFIG_JSON=null"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		found, err := readProperties(strings.NewReader(log))
		if err != nil {
			require.NotEmpty(t, pipeline.CodeOf(err))
			return
		}
		for key := range found {
			require.LessOrEqual(t, len(key), len(log))
		}
	})
}

// The log of a container is what the cluster's own log endpoint answers.
func TestJobProperties(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := r.job(t, migrateJob)
	out, err := r.RunJob(t.Context(), in)
	require.NoError(t, err)
	container := r.jobContainer(t)
	wait := activities.AwaitJobInput{Scope: scope(), Account: testAccount, Namespace: out.Namespace, Name: out.Name, UID: out.UID, PropertyFile: container}
	ended, err := r.AwaitJob(t.Context(), wait)
	require.NoError(t, err)
	require.True(t, ended.Succeeded)
	require.Equal(t, pipeline.Map{"simulated": "true", "result": map[string]any{"simulated": true}}, ended.Properties)
	require.Empty(t, ended.PropertiesFault)

	wait.PropertyFile = "another"
	ended, err = r.AwaitJob(t.Context(), wait)
	require.NoError(t, err)
	require.Empty(t, ended.Properties)
	require.NotEmpty(t, ended.PropertiesFault, "there is no such container")

	wait.PropertyFile = ""
	ended, err = r.AwaitJob(t.Context(), wait)
	require.NoError(t, err)
	require.Empty(t, ended.Properties)
}

func (r *rig) jobContainer(t *testing.T) string {
	t.Helper()
	return containers(t, r.live(t, "job migrate"))[0].(map[string]any)["name"].(string)
}
