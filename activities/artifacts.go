package activities

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/pipeline"
)

// RoscoQueue is the task queue of bakes and of artifacts. The credentials of
// artifact accounts are needed only where it is served.
const RoscoQueue = "rosco"

// EmbeddedAccount is the account of artifacts that carry their content; it is
// built in (reference: clouddriver section 14).
const EmbeddedAccount = "embedded-artifact"

// Artifacts fetches what artifacts stand for (reference: clouddriver section
// 14).
//
// Errors: not_found for an account or a thing that is not there; forbidden when
// the other side refuses the account's credentials; too_large; invalid for a
// reference or an account that cannot be used, for a type that cannot be
// fetched, and for content that is not what was asked for; unavailable and
// throttled for a world that does not answer.
type Artifacts interface {
	// FetchManifests fetches a YAML text and reads its documents.
	FetchManifests(context.Context, FetchArtifactInput) (FetchManifestsOutput, error)
	// FetchArtifact fetches the bytes, at most [MaxArtifact].
	FetchArtifact(context.Context, FetchArtifactInput) (FetchArtifactOutput, error)
}

// Bounds of what is fetched.
const (
	// MaxArtifact is how many bytes FetchArtifact answers with.
	MaxArtifact = 10 << 20
	// MaxManifestText is how long a text of manifests may be, in bytes.
	MaxManifestText = 10 << 20
)

// The calls.
var (
	// FetchManifests reads the manifests of an artifact.
	FetchManifests = Call[FetchArtifactInput, FetchManifestsOutput]{
		Name: "artifacts.fetchManifests", Timeout: 10 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(FetchArtifactInput) string { return RoscoQueue },
	}
	// FetchArtifact reads the bytes of an artifact.
	FetchArtifact = Call[FetchArtifactInput, FetchArtifactOutput]{
		Name: "artifacts.fetch", Timeout: 10 * time.Minute, Heartbeat: 20 * time.Second, QueueTimeout: 5 * time.Minute,
		Queue: func(FetchArtifactInput) string { return RoscoQueue },
	}
)

// RegisterArtifacts registers impl under the names of the calls.
func RegisterArtifacts(r Registry, impl Artifacts) {
	register(r, FetchManifests, impl.FetchManifests)
	register(r, FetchArtifact, impl.FetchArtifact)
}

// FetchArtifactInput names what to fetch; the artifact's account says with which
// credentials.
type FetchArtifactInput struct {
	Scope    Scope             `json:"scope"`
	Artifact pipeline.Artifact `json:"artifact"`
}

// FetchManifestsOutput holds the documents in order. A document that is a list
// is spread, null ones are dropped.
type FetchManifestsOutput struct {
	Manifests []pipeline.Map `json:"manifests"`
}

// FetchArtifactOutput is the content.
type FetchArtifactOutput struct {
	Content []byte `json:"content"`
}

// ArtifactAccount is an account as clients see it.
type ArtifactAccount struct {
	Name string `json:"name"`
	// Types are the artifact types that it fetches.
	Types []string `json:"types"`
}
