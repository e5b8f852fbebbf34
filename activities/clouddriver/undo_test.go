package clouddriver

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/pipeline"
)

// revise gives the deployment or set another image, waits for its revision and
// returns that.
func (r *rig) revise(t *testing.T, text, from, to, name string) {
	t.Helper()
	r.deploy(t, strings.Replace(text, from, to, 1))
	_, err := r.await(t, name)
	require.NoError(t, err)
}

func (r *rig) undo(t *testing.T, name string, change func(*activities.UndoRolloutInput)) (activities.UndoRolloutOutput, error) {
	t.Helper()
	in := activities.UndoRolloutInput{ManifestInput: r.target(name)}
	change(&in)
	return r.UndoRollout(t.Context(), in)
}

func back(n int64) func(*activities.UndoRolloutInput) {
	return func(in *activities.UndoRolloutInput) { in.NumRevisionsBack = &n }
}

func toRevision(n int64) func(*activities.UndoRolloutInput) {
	return func(in *activities.UndoRolloutInput) { in.Revision = &n }
}

func TestReferenceUndoRolloutDeployment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"nginx:1", "nginx:2", "nginx:3"} {
		r.revise(t, webDeployment, "nginx:1", v, "deployment web")
	}
	r.patchAs(t, "someone", "deployment web", `{"metadata":{"annotations":{"only":"here"}}}`)
	out, err := r.undo(t, "deployment web", back(1))
	require.NoError(t, err)
	require.Equal(t, activities.UndoRolloutOutput{Revision: 2}, out)
	require.Equal(t, "nginx:2", r.image(t, "deployment web"))
	require.NotContains(t, at(r.live(t, "deployment web").Object, "spec", "template", "metadata", "labels"), templateHashLabel)
	require.NotEmpty(t, r.live(t, "deployment web").GetAnnotations()[lastAppliedAnnotation])
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)

	// The history is now 1, 3, 4.
	out, err = r.undo(t, "deployment web", back(0))
	require.NoError(t, err)
	require.Equal(t, activities.UndoRolloutOutput{Revision: 4, Skipped: true}, out)
	out, err = r.undo(t, "deployment web", toRevision(1))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "nginx:1", r.image(t, "deployment web"))
	_, err = r.await(t, "deployment web")
	require.NoError(t, err)
	out, err = r.undo(t, "deployment web", toRevision(0)) // the last one: 4
	require.NoError(t, err)
	require.Equal(t, int64(4), out.Revision)
	require.Equal(t, "nginx:2", r.image(t, "deployment web"))

	_, err = r.undo(t, "deployment web", toRevision(77))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "Unable to find specified revision 77")
	_, err = r.undo(t, "deployment web", back(9))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "revision(s) in total, cannot rollback 9")
	_, err = r.undo(t, "deployment web", func(*activities.UndoRolloutInput) {})
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "set numRevisionsBack or revision")
	_, err = r.undo(t, "deployment web", back(-1))
	requireCode(t, err, pipeline.CodeInvalid)
	_, err = r.undo(t, "deployment gone", back(1))
	requireCode(t, err, pipeline.CodeNotFound)
	_, err = r.undo(t, "service web", back(1))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "does not support undo rollout")

	_, err = r.PauseRollout(t.Context(), r.target("deployment web"))
	require.NoError(t, err)
	_, err = r.undo(t, "deployment web", back(1))
	requireCode(t, err, pipeline.CodeInvalid)
	require.ErrorContains(t, err, "resume its rollout first")
}

func TestReferenceUndoRolloutStatefulSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"postgres:1", "postgres:2", "postgres:3"} {
		r.revise(t, statefulDB, "postgres:1", v, "statefulSet db")
	}
	out, err := r.undo(t, "statefulSet db", back(2))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "postgres:1", r.image(t, "statefulSet db"))
	_, err = r.await(t, "statefulSet db")
	require.NoError(t, err)
	out, err = r.undo(t, "statefulSet db", back(0))
	require.NoError(t, err)
	require.True(t, out.Skipped)
}

func TestReferenceUndoRolloutDaemonSet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, v := range []string{"agent:1", "agent:2"} {
		r.revise(t, daemonAgent, "agent:1", v, "daemonSet agent")
	}
	out, err := r.undo(t, "daemonSet agent", toRevision(1))
	require.NoError(t, err)
	require.Equal(t, int64(1), out.Revision)
	require.Equal(t, "agent:1", r.image(t, "daemonSet agent"))
	_, err = r.undo(t, "daemonSet agent", toRevision(9))
	requireCode(t, err, pipeline.CodeInvalid)
}
