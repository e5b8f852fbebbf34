package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestApplicationNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		providers, name string
		fault           string
	}{
		{"", "bakery", ""},
		{"", "Bäckerei-9._x", ""},
		{"", "  bakery ", ""},
		{"", "", "requires a name"},
		{"", "a b", "may hold only letters"},
		{"", "a/b", "may hold only letters"},
		{"", "a\nb", "may hold only letters"},
		{"", strings.Repeat("a", 250), ""},
		{"", strings.Repeat("a", 251), "251 characters long: use at most 250"},
		{"unheardof", "9.x_", ""},
		{"kubernetes", "bake-ry9", ""},
		{"kubernetes", "9bakery", "does not fit the provider kubernetes: use at most 63 characters, letters, digits and hyphens, beginning with a letter."},
		{"kubernetes", "ba_kery", "provider kubernetes"},
		{"kubernetes", strings.Repeat("a", 63), ""},
		{"kubernetes", strings.Repeat("a", 64), "provider kubernetes"},
		{"aws", "Ba_ke.ry9", ""},
		{"aws", "ba-kery", "provider aws"},
		{"titus", "ba-kery", "provider titus"},
		{"openstack", "ba-kery", "provider openstack"},
		{"gce", "ba9", ""},
		{"gce", "9ba", "provider gce"},
		{"gce", "ba-ke", "provider gce"},
		{"appengine", "bakery9", ""},
		{"appengine", "Bakery", "provider appengine"},
		{"appengine", strings.Repeat("a", 59), "at most 58"},
		{"dcos", strings.Repeat("a", 128), "at most 127"},
		{"aws, kubernetes", "ba_kery", "provider kubernetes"},
	} {
		t.Run(tt.providers+"/"+tt.name, func(t *testing.T) {
			a := Application{"name": tt.name, "email": "ines@bakery.example", "cloudProviders": tt.providers}
			err := a.Validate()
			if tt.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.fault)
			require.Equal(t, CodeInvalid, CodeOf(err))
			require.Len(t, DetailsOf(err), 1)
		})
	}
}

func TestApplicationReportsEveryFault(t *testing.T) {
	t.Parallel()
	err := Application{"name": "9_x", "cloudProviders": []any{"kubernetes", "gce"}}.Validate()
	require.Len(t, DetailsOf(err), 3)
	require.ErrorContains(t, err, "requires an owner: set email")
	require.Equal(t, []string{"kubernetes", "gce"}, Application{"cloudProviders": " kubernetes,,gce "}.CloudProviders())
	require.Empty(t, Application{"cloudProviders": 5}.CloudProviders())
}

func TestApplicationDocumentIsKeptWhole(t *testing.T) {
	t.Parallel()
	in := `{"name":"bakery","email":"a@b.c","instancePort":80,"ratio":1.0,"customBanners":[{"enabled":true,"text":"hot"}],"nothing":null}`
	a := decode[Application](t, []byte(in))
	want, err := DecodeValue([]byte(in))
	require.NoError(t, err)
	got, err := DecodeValue(encode(t, a))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, a, a.Clone())
}
