// Package bake renders charts and kustomizations from memory into memory. It
// calls nobody and opens no file: what a template needs besides what it was given
// it says, and is asked again with it. It is made to run in internal/sandbox.
package bake

import (
	"encoding/json"
	"strings"

	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/pipeline"
)

// Task is the name of the sandbox's task.
const Task = "bake"

// Tasks are what the room has done in the sandbox.
func Tasks() map[string]sandbox.Task {
	return map[string]sandbox.Task{Task: func(input json.RawMessage) (any, error) {
		var r Request
		if err := json.Unmarshal(input, &r); err != nil {
			return nil, err
		}
		return Run(r)
	}}
}

// Request is one bake.
type Request struct {
	// Template is the first artifact's content.
	Template []byte `json:"template"`
	// Directory tells a template that is an archive of a repository from a chart's
	// package and, for Kustomize, from a kustomization file.
	Directory bool `json:"directory,omitempty"`
	// Given are the contents of what earlier answers needed, by key.
	Given map[string][]byte `json:"given,omitempty"`
	// Exactly one is set.
	Helm      *Helm      `json:"helm,omitempty"`
	Kustomize *Kustomize `json:"kustomize,omitempty"`
	Limits    Limits     `json:"limits"`
}

// Limits bound what archives hold and what comes out.
type Limits struct {
	Unpacked int64 `json:"unpacked"`
	Files    int   `json:"files"`
	Output   int   `json:"output"`
}

// Helm are the options of a chart.
type Helm struct {
	Values       [][]byte     `json:"values,omitempty"`
	Release      string       `json:"release"`
	Namespace    string       `json:"namespace,omitempty"`
	Overrides    pipeline.Map `json:"overrides,omitempty"`
	RawOverrides bool         `json:"rawOverrides,omitempty"`
	IncludeCRDs  bool         `json:"includeCRDs,omitempty"`
	APIVersions  string       `json:"apiVersions,omitempty"`
	KubeVersion  string       `json:"kubeVersion,omitempty"`
	// ChartPath is the chart's folder; empty is the root.
	ChartPath string `json:"chartPath,omitempty"`
}

// Kustomize are the options of a kustomization.
type Kustomize struct {
	// File is the path of the kustomization file.
	File string `json:"file"`
	// Remote lets it name bases elsewhere.
	Remote bool `json:"remote,omitempty"`
}

// Answer is what came out, or what is needed first.
type Answer struct {
	Output string `json:"output,omitempty"`
	Needs  []Need `json:"needs,omitempty"`
}

// The kinds of needs.
const (
	// NeedChart is a chart that another depends on.
	NeedChart = "chart"
	// NeedFile is a file beside the kustomization file; the first of Paths that
	// there is.
	NeedFile = "file"
	// NeedGit is a folder of a git repository, NeedURL a file behind a URL.
	NeedGit = "git"
	NeedURL = "url"
)

// Need is something that has to be fetched.
type Need struct {
	// Key is where its content is looked for in [Request.Given].
	Key  string `json:"key"`
	Kind string `json:"kind"`
	// Repository, Name and Version name a chart; a git repository has an address
	// and a version.
	Repository string `json:"repository,omitempty"`
	Name       string `json:"name,omitempty"`
	Version    string `json:"version,omitempty"`
	// Paths are those of files, from the root.
	Paths []string `json:"paths,omitempty"`
	// By is who needs it, for messages.
	By string `json:"by,omitempty"`
}

// Run bakes.
//
// Errors: failed, with the words of Helm or Kustomize; invalid for options and
// archives that make no sense; too_large beyond the limits.
func Run(r Request) (Answer, error) {
	var answer Answer
	var err error
	if r.Helm != nil {
		answer, err = runHelm(r)
	} else {
		answer, err = runKustomize(r)
	}
	if err == nil && len(answer.Output) > r.Limits.Output {
		err = pipeline.Errorf(pipeline.CodeTooLarge, "The bake came to %d bytes of manifests: at most %d are taken. Split the template.", len(answer.Output), r.Limits.Output)
	}
	return answer, err
}

// maxWords bounds how much of a renderer's own words is passed on.
const maxWords = 4 << 10

// failed passes a renderer's words on.
func failed(err error) error {
	words := strings.TrimSpace(err.Error())
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return pipeline.Errorf(pipeline.CodeFailed, "Bake failed: %s", words)
}
