package gate

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

func getInstance(r *request) error {
	view, err := r.around(r.param("account"), r.param("region"), r.param("id"))
	if err != nil {
		return err
	}
	instance, ok := view.Instance(r.param("region"), r.param("id"))
	if !ok {
		return missing("Instance not found (id: %s)", r.param("id"))
	}
	instance.InsightActions = &[]any{}
	return r.answer(http.StatusOK, instance)
}

// live returns the way to the account's cluster, or refuses.
func (r *request) live(account string) (Live, error) {
	if r.server.live == nil {
		return nil, pipeline.Errorf(pipeline.CodeUnavailable, "This Gate knows no workers that look at clusters.")
	}
	if err := r.mayRead(account); err != nil {
		return nil, err
	}
	known, err := r.accountsToRead()
	if err != nil {
		return nil, err
	}
	for _, name := range known {
		if name == account {
			return r.server.live, nil
		}
	}
	return nil, missing("Account not found (name: %s)", account)
}

// console is the logs of an instance.
type console struct {
	Output []activities.ContainerLog `json:"output"`
}

func getConsole(r *request) error {
	live, err := r.live(r.param("account"))
	if err != nil {
		return err
	}
	output, err := live.Console(r.ctx(), r.pod())
	if err != nil {
		return err
	}
	r.Header("Cache-Control", "no-store")
	return r.answer(http.StatusOK, console{Output: output})
}

func (r *request) pod() activities.ReadConsoleInput {
	return activities.ReadConsoleInput{Account: r.param("account"), Namespace: r.param("region"), Name: r.param("id")}
}

// maxLogTail bounds the lines that a stream of a log begins with.
const maxLogTail = 5000

// streamLogs sends the lines of a container's log as they are written. An event's
// id is where to go on: a client that connects again gets what it missed.
func streamLogs(r *request) error {
	in := activities.FollowLogsInput{ReadConsoleInput: r.pod(), Container: r.text("container")}
	var err error
	if in.Tail, err = integer(r.query, "tail", 200); err != nil {
		return err
	}
	in.Tail = min(max(in.Tail, 1), maxLogTail)
	if in.After, in.Seen, err = logPosition(r.GetHeader("Last-Event-ID")); err != nil {
		return err
	}
	live, err := r.live(r.param("account"))
	if err != nil {
		return err
	}
	s := &eventStream{request: r, judged: time.Now(), known: time.Now()}
	s.judge = func() (func(string) bool, error) {
		_, err := r.live(r.param("account"))
		return nil, err
	}
	return s.logs(live, in)
}

// logPosition reads the id of an event of a log: a time and how many lines of it
// the client has.
func logPosition(id string) (after string, seen int, err error) {
	if id == "" {
		return "", 0, nil
	}
	after, count, found := strings.Cut(id, "/")
	if _, timeErr := time.Parse(time.RFC3339Nano, after); found && timeErr == nil {
		if n, ok := digits(count); ok {
			return after, n, nil
		}
	}
	return "", 0, pipeline.Errorf(pipeline.CodeInvalid, "The header Last-Event-ID is %q: send the id of an event of this stream.", id)
}

// digits reads a small number without a sign.
func digits(s string) (int, bool) {
	const most = 9 // digits
	if s == "" || len(s) > most {
		return 0, false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// logs asks for new lines again and again until the log, the client or the
// server ends.
func (s *eventStream) logs(live Live, in activities.FollowLogsInput) error {
	release, err := s.take()
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancel(s.ctx())
	defer cancel()
	go func() {
		select {
		case <-s.server.streams.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	// The first answer decides the status: a pod that is not there is a 404.
	out, err := live.Logs(ctx, in)
	if err != nil {
		return err
	}
	alive := s.open() && s.lines(out)
	failures := 0
	for alive && !out.Ended {
		in.Container, in.After, in.Seen = out.Container, out.After, out.Seen
		next, err := live.Logs(ctx, in)
		switch {
		case ctx.Err() != nil:
			if s.ctx().Err() == nil {
				s.bye()
			}
			return nil
		case err == nil && s.allowed() != nil:
			return nil // it connects again and is told why
		case err == nil:
			out, failures = next, 0
			alive = s.lines(out)
			continue
		case pipeline.CodeOf(err) == pipeline.CodeUnavailable && failures < 5:
			// Its worker may be another in a moment; the client learns that it waits.
			failures++
			alive = s.send("event: ping\ndata: {}\n\n")
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		s.send("event: error\ndata: " + s.text(map[string]any{"message": pipeline.MessageOf(err)}) + "\n\n")
		return nil
	}
	if alive {
		s.send("event: end\ndata: {}\n\n")
	}
	return nil
}

// lines sends what one answer holds, or a ping.
func (s *eventStream) lines(out activities.FollowLogsOutput) bool {
	if len(out.Lines) == 0 {
		return s.send("event: ping\ndata: {}\n\n")
	}
	var message strings.Builder
	for i, line := range out.Lines {
		if i == len(out.Lines)-1 && out.After != "" {
			message.WriteString("id: " + out.After + "/" + strconv.Itoa(out.Seen) + "\n")
		}
		message.WriteString("event: line\ndata: " + s.text(map[string]any{"container": out.Container, "time": line.Time, "text": line.Text}) + "\n\n")
	}
	return s.send(message.String())
}

// text is a value as JSON in one line.
func (s *eventStream) text(v any) string {
	data, err := httpjson.Encode(v)
	if err != nil {
		return "{}"
	}
	return string(data)
}
