package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatches(t *testing.T) {
	t.Parallel()
	image := Artifact{Type: "docker/image", Name: "gcr.io/shop", Version: "1.4.2", Location: "eu", Reference: "gcr.io/shop:1.4.2"}
	for _, tt := range []struct {
		name     string
		expected Artifact
		artifact Artifact
		want     bool
	}{
		{"nothing expected", Artifact{}, image, true},
		{"nothing expected of nothing", Artifact{}, Artifact{}, true},
		{"equal in all", image, image, true},
		{"another type", Artifact{Type: "s3/object"}, image, false},
		{"another name", Artifact{Name: "gcr.io/store"}, image, false},
		{"another version", Artifact{Version: "1.4.3"}, image, false},
		{"another location", Artifact{Location: "us"}, image, false},
		{"another reference", Artifact{Reference: "gcr.io/shop:1.4.3"}, image, false},
		{"one of several differs", Artifact{Type: "docker/image", Name: "gcr.io/shop", Version: "2"}, image, false},
		{"account, UUID, provenance and metadata do not count",
			Artifact{ArtifactAccount: "a", UUID: "u", Provenance: "p", Metadata: Map{"k": "v"}}, image, true},

		{"a pattern", Artifact{Version: `1\.4\.[0-9]+`}, image, true},
		{"a pattern of the type", Artifact{Type: "docker/.*"}, image, true},
		{"a pattern must match all", Artifact{Version: `1\.4`}, image, false},
		{"its beginning", Artifact{Version: `4\.2`}, image, false},
		{"alternatives are held together", Artifact{Version: `1|1\.4\.2|2`}, image, true},
		{"alternatives must match all", Artifact{Version: `1|2`}, image, false},
		{"brackets that close what they did not open", Artifact{Version: `1)|(.*`}, image, false},
		{"flags", Artifact{Name: `(?i)GCR\.IO/SHOP`}, image, true},
		{"a dot is no line break", Artifact{Name: ".*"}, Artifact{Name: "a\nb"}, false},
		{"the end is the end of the text", Artifact{Name: "a$"}, Artifact{Name: "a\n"}, false},
		{"quoted text", Artifact{Name: `\Qa+b\E.*`}, Artifact{Name: "a+bc"}, true},

		{"expected and missing", Artifact{Name: ".*"}, Artifact{Type: "docker/image"}, false},
		{"equal as text, not as a pattern", Artifact{Reference: "YSs+IQ=="}, Artifact{Reference: "YSs+IQ=="}, true},
		{"no pattern in Go", Artifact{Name: `(?!x)y`}, Artifact{Name: "y"}, false},
		{"no pattern in Go, and equal", Artifact{Name: `(?!x)y`}, Artifact{Name: `(?!x)y`}, true},
		{"an unfinished pattern", Artifact{Name: `a(`}, Artifact{Name: "a("}, true},
		{"a pattern too long", Artifact{Name: strings.Repeat("a*", maxMatchPattern)}, Artifact{Name: "a"}, false},
		{"a pattern too large", Artifact{Name: strings.Repeat("[ab]{900}", 20)}, Artifact{Name: strings.Repeat("a", 18000)}, false},
		{"a text too long for the pattern", Artifact{Name: "(a|b)*"}, Artifact{Name: strings.Repeat("a", maxMatchSteps)}, false},
		{"a text of a megabyte", Artifact{Reference: ".*"}, Artifact{Reference: strings.Repeat("a", 1<<20)}, true},

		{"embedded expected, remote found", Artifact{Type: "embedded/base64"}, Artifact{Type: "remote/base64"}, true},
		{"remote expected, embedded found", Artifact{Type: "remote/base64"}, Artifact{Type: "embedded/base64"}, true},
		{"embedded expected, other found", Artifact{Type: "embedded/base64"}, Artifact{Type: "http/file"}, false},
		{"embedded expected, none found", Artifact{Type: "embedded/base64"}, Artifact{Name: "x"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, ExpectedArtifact{MatchArtifact: &tt.expected}.Matches(tt.artifact))
		})
	}
	require.True(t, ExpectedArtifact{}.Matches(image), "no match artifact at all")
}

func TestMatchingArtifacts(t *testing.T) {
	t.Parallel()
	artifacts := named("a", "b", "c", "a")
	require.Equal(t, named("a", "c", "a"), MatchingArtifacts([]ExpectedArtifact{expect("1", "c|d"), expect("2", "a")}, artifacts))
	require.Equal(t, []Artifact{}, MatchingArtifacts(nil, artifacts))
	long := make([]Artifact, 200)
	for i := range long {
		long[i].Name = strings.Repeat("a", 1<<20)
	}
	left := MatchingArtifacts([]ExpectedArtifact{expect("1", "(a|aa)*b")}, long)
	require.NotEmpty(t, left)
	require.Less(t, len(left), len(long), "what was compared is left out")
}

func TestExpectedArtifactText(t *testing.T) {
	t.Parallel()
	match := &Artifact{Type: "docker/image", Name: "gcr.io/shop"}
	for _, tt := range []struct {
		expected ExpectedArtifact
		want     string
	}{
		{ExpectedArtifact{}, "{}"},
		{ExpectedArtifact{ID: "7f"}, "'7f'"},
		{ExpectedArtifact{ID: "7f", MatchArtifact: match}, "'7f' {type: docker/image, name: gcr.io/shop}"},
		{ExpectedArtifact{ID: "7f", DisplayName: "Shop", MatchArtifact: match}, "'Shop' {type: docker/image, name: gcr.io/shop}"},
		{ExpectedArtifact{MatchArtifact: &Artifact{Version: "1", Location: "eu", Reference: "r", ArtifactAccount: "a"}}, "{version: 1, location: eu, reference: r}"},
		{ExpectedArtifact{MatchArtifact: &Artifact{Reference: strings.Repeat("ä", 200)}}, "{reference: " + strings.Repeat("ä", 60) + "…}"},
		{ExpectedArtifact{MatchArtifact: &Artifact{Reference: "a" + strings.Repeat("ä", 200)}}, "{reference: a" + strings.Repeat("ä", 59) + "…}"},
	} {
		require.Equal(t, tt.want, tt.expected.String())
	}
}
