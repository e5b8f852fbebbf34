package clouddriver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	propertyMark = "SPINNAKER_PROPERTY_"
	jsonMark     = "SPINNAKER_CONFIG_JSON="

	// maxLogBytes bounds how much of one container's log is read, maxLogLine a line
	// that holds properties, maxProperties and maxPropertyBytes what they come to.
	maxLogBytes      = 256 << 20
	maxLogLine       = 1 << 20
	maxProperties    = 10_000
	maxPropertyBytes = 4 << 20

	// logTimeout bounds the reading of one log.
	logTimeout = 2 * time.Minute
)

// properties collects what a container's log says (reference: clouddriver section
// 11).
type properties struct {
	values pipeline.Map
	bytes  int
}

// jobProperties reads the properties that a Job's container wrote to its log: of
// the first pod that succeeded, else of the newest. A pod without any is followed
// by the next. Errors: invalid for properties that cannot be read, too_large,
// and what the API server answers.
func (cl *cluster) jobProperties(ctx context.Context, pods []*unstructured.Unstructured, container string) (pipeline.Map, error) {
	ordered := slices.Clone(pods)
	slices.Reverse(ordered)
	slices.SortStableFunc(ordered, func(a, b *unstructured.Unstructured) int {
		switch aDone, bDone := succeeded(a), succeeded(b); {
		case aDone == bDone:
			return 0
		case aDone:
			return -1
		}
		return 1
	})
	var first error
	for _, pod := range ordered {
		found, err := cl.podProperties(ctx, pod, container)
		if err != nil && (passing(err) || ctx.Err() != nil) {
			return nil, err
		}
		if len(found) > 0 && err == nil {
			return found, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func succeeded(pod *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	return phase == "Succeeded"
}

func (cl *cluster) podProperties(ctx context.Context, pod *unstructured.Unstructured, container string) (pipeline.Map, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, logTimeout, errSilentServer)
	defer cancel()
	what := "read the log of container " + container + " of pod " + pod.GetName()
	log, err := cl.catalog.discovery.RESTClient().Get().
		AbsPath("/api/v1/namespaces", pod.GetNamespace(), "pods", pod.GetName(), "log").
		Param("container", container).Stream(ctx)
	if apierrors.IsNotFound(err) {
		return nil, nil // gone with its log
	}
	if err != nil {
		return nil, fromAPI(ctx, err, cl.account.Name, what)
	}
	defer func() { _ = log.Close() }()
	found, err := readProperties(log)
	var known *pipeline.Error
	if err != nil && !errors.As(err, &known) {
		return nil, fromAPI(ctx, err, cl.account.Name, what)
	}
	return found, err
}

// readProperties reads a log line by line.
func readProperties(log io.Reader) (pipeline.Map, error) {
	p := properties{values: pipeline.Map{}}
	in := bufio.NewReaderSize(io.LimitReader(log, maxLogBytes+1), 64<<10)
	total := 0
	for {
		line, size, err := readLine(in)
		if total += size; total > maxLogBytes {
			return nil, pipeline.Errorf(pipeline.CodeTooLarge, "The log is over %d MiB: write the properties from a container with a shorter one.", maxLogBytes>>20)
		}
		if lineErr := p.line(line, size); lineErr != nil {
			return nil, lineErr
		}
		if errors.Is(err, io.EOF) {
			return p.values, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readLine returns the next line, cut after maxLogLine bytes, and how long it
// is.
func readLine(in *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := in.ReadSlice('\n')
		size += len(part)
		if room := maxLogLine + 1 - len(line); room > 0 {
			line = append(line, part[:min(len(part), room)]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

// line takes the properties of one line.
func (p *properties) line(raw []byte, size int) error {
	if !bytes.Contains(raw, []byte(propertyMark)) && !bytes.Contains(raw, []byte(jsonMark)) {
		return nil
	}
	if size > maxLogLine {
		return pipeline.Errorf(pipeline.CodeTooLarge, "A line with properties is over %d MiB: write shorter ones.", maxLogLine>>20)
	}
	line := strings.TrimSpace(string(raw))
	if strings.Contains(line, propertyMark) {
		key, value, found := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if found && value != "" {
			key = strings.ToLower(strings.Replace(key, propertyMark, "", 1))
			if err := p.add(pipeline.Map{key: value}, len(key)+len(value)); err != nil {
				return err
			}
		}
	}
	text, found := strings.CutPrefix(line, jsonMark)
	if !found {
		return nil
	}
	decoded, err := pipeline.DecodeValue([]byte(text))
	object, isObject := decoded.(map[string]any)
	if err != nil || !isObject {
		return pipeline.Errorf(pipeline.CodeInvalid, "The line after %s is no JSON object.", jsonMark)
	}
	return p.add(object, len(text))
}

func (p *properties) add(more pipeline.Map, size int) error {
	maps.Copy(p.values, more)
	if p.bytes += size; p.bytes > maxPropertyBytes || len(p.values) > maxProperties {
		return pipeline.Errorf(pipeline.CodeTooLarge, "The log holds more than %d properties or %d MiB of them: write less.", maxProperties, maxPropertyBytes>>20)
	}
	return nil
}
