package reads

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker/activities"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/pipeline"
)

// podMetrics is where metrics-server tells what pods use.
var podMetrics = schema.GroupVersionResource{Group: "metrics.k8s.io", Version: "v1beta1", Resource: "pods"}

const (
	// consoleLines and consoleBytes bound what is shown of one container's log,
	// from its end.
	consoleLines = 10_000
	consoleBytes = 2 << 20
)

// pod is a pod whose logs are read.
type pod struct {
	core       rest.Interface
	reading    *clouddriver.Reading
	object     *unstructured.Unstructured
	containers []string // init containers first
}

// pod finds a pod by "pod name" or its name.
func (r *Reads) pod(ctx context.Context, in activities.ReadConsoleInput) (*pod, error) {
	reading, err := r.accounts.Reading(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	name := in.Name
	if !strings.Contains(name, " ") {
		name = "pod " + name
	}
	if kind, _, _ := strings.Cut(name, " "); !clouddriver.ParseKind(kind).Equal(clouddriver.ParseKind("pod")) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "%q is no pod: only pods have logs.", in.Name)
	}
	object, err := reading.Get(ctx, in.Namespace, name)
	if err != nil {
		return nil, err
	}
	core, err := reading.Core(ctx)
	if err != nil {
		return nil, err
	}
	p := &pod{core: core, reading: reading, object: object}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", list)
		for _, c := range containers {
			if m, ok := c.(map[string]any); ok {
				text, _ := m["name"].(string)
				p.containers = append(p.containers, text)
			}
		}
	}
	return p, nil
}

// logOptions say which part of a log is read.
type logOptions struct {
	container  string
	tail       int       // lines before the end; 0 is from the beginning
	since      time.Time // zero is the beginning; the API server counts in seconds
	follow     bool
	timestamps bool
}

// open begins to read a container's log.
func (p *pod) open(ctx context.Context, o logOptions) (io.ReadCloser, error) {
	q := p.core.Get().Namespace(p.object.GetNamespace()).Resource("pods").Name(p.object.GetName()).SubResource("log").
		Param("container", o.container)
	if o.tail > 0 {
		q = q.Param("tailLines", strconv.Itoa(o.tail))
	}
	if !o.since.IsZero() {
		q = q.Param("sinceTime", o.since.UTC().Format(time.RFC3339))
	}
	if o.follow {
		q = q.Param("follow", "true")
	}
	if o.timestamps {
		q = q.Param("timestamps", "true")
	}
	return q.Stream(ctx)
}

// ReadConsole implements [activities.Reads] (reference: clouddriver section 12).
// A container whose log cannot be read has the reason in its place, and so has a
// pod that is gone.
func (r *Reads) ReadConsole(ctx context.Context, in activities.ReadConsoleInput) (activities.ReadConsoleOutput, error) {
	var out activities.ReadConsoleOutput
	p, err := r.pod(ctx, in)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		out.Output = []activities.ContainerLog{{Name: "Error", Output: "Failed to retrieve pod data; pod may have been deleted."}}
		return out, nil
	}
	if err != nil {
		return out, err
	}
	for _, c := range p.containers {
		log := activities.ContainerLog{Name: c}
		text, err := p.tail(ctx, logOptions{container: c, tail: consoleLines})
		if err != nil {
			text = pipeline.MessageOf(p.reading.Fault(ctx, err, "read the log of container "+c))
		}
		log.Output = text
		out.Output = append(out.Output, log)
	}
	return out, nil
}

// tail reads a log and keeps its last [consoleBytes].
func (p *pod) tail(ctx context.Context, options logOptions) (string, error) {
	stream, err := p.open(ctx, options)
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	var kept bytes.Buffer
	piece := make([]byte, 64<<10)
	for {
		n, err := stream.Read(piece)
		kept.Write(piece[:n])
		if over := kept.Len() - 2*consoleBytes; over > 0 {
			kept.Next(kept.Len() - consoleBytes)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	kept.Next(max(kept.Len()-consoleBytes, 0))
	return strings.ToValidUTF8(kept.String(), "\uFFFD"), nil
}

const (
	// followFor is how long a call waits for new lines.
	followFor = 20 * time.Second
	// together is how long it collects more once there is one, followBytes how
	// many bytes at most.
	together    = 250 * time.Millisecond
	followBytes = 256 << 10
	// maxLine bounds one line; the rest of a longer one is lines of its own.
	maxLine = 64 << 10
	// defaultTail is how many lines a follower gets to begin with.
	defaultTail = 200
	maxTail     = 5000
)

// FollowLogs implements [activities.Reads]. A container that has not started yet
// is waited for.
func (r *Reads) FollowLogs(ctx context.Context, in activities.FollowLogsInput) (activities.FollowLogsOutput, error) {
	out := activities.FollowLogsOutput{Container: in.Container, After: in.After, Seen: in.Seen}
	p, err := r.pod(ctx, in.ReadConsoleInput)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound && in.After != "" {
		out.Ended = true // it was there when the caller began
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if out.Container == "" {
		out.Container = p.first()
	}
	if !slices.Contains(p.containers, out.Container) {
		return out, pipeline.Errorf(pipeline.CodeNotFound, "The pod %s has no container %q: it has %s.",
			p.object.GetName(), out.Container, strings.Join(p.containers, ", "))
	}
	options := logOptions{container: out.Container, follow: true, timestamps: true}
	if at, err := time.Parse(time.RFC3339Nano, in.After); err == nil {
		options.since = at
	} else if options.tail = min(in.Tail, maxTail); options.tail <= 0 {
		options.tail = defaultTail
	}
	within, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	stream, err := p.open(within, options)
	if apierrors.IsBadRequest(err) { // it has not started: a while later it may have
		select {
		case <-within.Done():
		case <-time.After(time.Second):
		}
		return out, nil
	}
	if err != nil {
		return out, p.reading.Fault(ctx, err, "follow the log of container "+out.Container)
	}
	defer func() { _ = stream.Close() }()
	collect(within, cancel, stream, in, &out)
	return out, ctx.Err()
}

// first is the container that people mean: the first that is no init container.
func (p *pod) first() string {
	containers, _, _ := unstructured.NestedSlice(p.object.Object, "spec", "containers")
	if len(containers) < len(p.containers) {
		return p.containers[len(p.containers)-len(containers)]
	}
	if len(p.containers) > 0 {
		return p.containers[0]
	}
	return ""
}

// collect reads lines until there have been none for a while, or enough.
func collect(ctx context.Context, stop context.CancelFunc, stream io.Reader, in activities.FollowLogsInput, out *activities.FollowLogsOutput) {
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(make([]byte, 0, 16<<10), maxLine+128)
	scanner.Split(splitLines)
	skip := in.Seen
	bytes := 0
	for scanner.Scan() {
		at, text, found := strings.Cut(scanner.Text(), " ")
		if _, err := time.Parse(time.RFC3339Nano, at); !found || err != nil {
			at, text = out.After, scanner.Text() // the rest of a long line
		} else if before(at, in.After) {
			continue // the API server counts in seconds
		} else if at == in.After && skip > 0 {
			skip--
			continue
		}
		if at == out.After {
			out.Seen++
		} else {
			out.After, out.Seen = at, 1
		}
		out.Lines = append(out.Lines, activities.LogLine{Time: at, Text: strings.ToValidUTF8(text, "\uFFFD")})
		if len(out.Lines) == 1 {
			defer time.AfterFunc(together, stop).Stop()
		}
		if bytes += len(text); bytes > followBytes {
			return
		}
	}
	// A log that ends by itself is that of a container that has ended.
	out.Ended = ctx.Err() == nil && scanner.Err() == nil
}

// before compares times of lines; an empty one is before all.
func before(at, after string) bool {
	if after == "" {
		return false
	}
	a, err := time.Parse(time.RFC3339Nano, at)
	b, err2 := time.Parse(time.RFC3339Nano, after)
	return err == nil && err2 == nil && a.Before(b)
}

// splitLines is bufio.ScanLines that cuts a line at [maxLine].
func splitLines(data []byte, atEOF bool) (int, []byte, error) {
	advance, token, err := bufio.ScanLines(data, atEOF)
	if advance == 0 && token == nil && err == nil && len(data) >= maxLine {
		return maxLine, data[:maxLine], nil
	}
	return advance, token, err
}
