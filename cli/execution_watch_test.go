package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/pipeline"
)

// states is a Gate whose event stream shows one state after the other.
func states(t *testing.T, statuses ...pipeline.Status) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"ref":"/pipelines/E1"}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i, status := range statuses {
			_, _ = fmt.Fprintf(w, "id: %d\nevent: execution\ndata: {\"id\":\"E1\",\"application\":\"shop\",\"name\":\"Ship\",\"status\":\"%s\",\"stages\":[{\"id\":\"s\",\"name\":\"Rest\",\"type\":\"wait\",\"status\":\"%s\",\"startTime\":1}]}\n\n", i, status, status)
		}
		if !statuses[len(statuses)-1].Complete() {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWatchTellsHowItEnds(t *testing.T) {
	t.Parallel()
	for status, want := range map[pipeline.Status]int{
		pipeline.Succeeded: exitOK, pipeline.Terminal: exitFailed, pipeline.Canceled: exitFailed, pipeline.Stopped: exitFailed,
	} {
		gate := states(t, pipeline.NotStarted, pipeline.Running, status)
		code, out, errs := call(t, "execution", "watch", "E1", "--gate-endpoint", gate.URL)
		require.Equal(t, want, code, errs)
		require.Contains(t, out, "RUNNING stage Rest (wait)")
		require.Contains(t, out, string(status)+" shop / Ship")
		code, out, errs = call(t, "pipeline", "execute", "shop", "Ship", "--wait", "-o", "jsonpath={.status}", "--gate-endpoint", gate.URL)
		require.Equal(t, want, code, errs)
		require.Equal(t, string(status)+"\n", out)
	}
}

func TestWatchIsInterrupted(t *testing.T) {
	t.Parallel()
	gate := states(t, pipeline.Running)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errs := &strings.Builder{}, &strings.Builder{}
	code := runWith(ctx, []string{"execution", "watch", "E1", "--gate-endpoint", gate.URL}, strings.NewReader(""), onWrite{out, cancel}, errs)
	require.Equal(t, exitFailed, code)
	require.Equal(t, "gennaker: interrupted: the execution E1 goes on\n", errs.String())
	require.Contains(t, out.String(), "RUNNING")
}

// onWrite does something at each write.
type onWrite struct {
	io.Writer
	do func()
}

// Write implements io.Writer.
func (o onWrite) Write(p []byte) (int, error) {
	o.do()
	return o.Writer.Write(p)
}

// Who only waits is told now and then.
func TestWaitingTells(t *testing.T) {
	t.Parallel()
	var errs strings.Builder
	w := &waiting{p: &Process{Stderr: &errs, Stdin: os.Stdin, answers: &Answers{}}}
	e := &pipeline.Execution{Status: pipeline.Running, StartTime: pipeline.ToMillis(time.Now().Add(-time.Hour)), Stages: []*pipeline.Stage{{Name: "Deploy", Status: pipeline.Running}}}
	for range waitTicks - 1 {
		require.NoError(t, w.tick(e))
	}
	require.Empty(t, errs.String())
	require.NoError(t, w.tick(e))
	require.Regexp(t, `^RUNNING for 1h00m0\ds: Deploy\n$`, errs.String())
}
