package front50_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/front50/memstore"
	"github.com/gennaker/gennaker/pipeline"
)

// failing is a store whose saves of pipelines fail, before or after they took place. It
// notes what the account is a member of meanwhile.
type failing struct {
	front50.Store
	fault error
	takes bool
	// meanwhile runs in the place of another process.
	meanwhile func()
	during    []string
}

func (f *failing) SavePipeline(ctx context.Context, p pipeline.Pipeline, o front50.SaveOptions) (pipeline.Pipeline, error) {
	f.during = members(f.Store)
	var saved pipeline.Pipeline
	var err error
	if f.fault == nil || f.takes {
		saved, err = f.Store.SavePipeline(ctx, p, o)
	}
	if f.meanwhile != nil {
		f.meanwhile()
	}
	if f.fault != nil {
		return nil, f.fault
	}
	return saved, err
}

const managed = "p@managed-service-account"

// members are the roles of the account, nil when there is none.
func members(s front50.Store) []string {
	doc, err := s.Document(context.Background(), front50.KindServiceAccount, managed)
	if err != nil {
		return nil
	}
	return doc.Strings("memberOf")
}

func TestSaveManaged(t *testing.T) {
	t.Parallel()
	refused := pipeline.Errorf(pipeline.CodeInvalid, "no")
	lost := pipeline.Errorf(pipeline.CodeUnavailable, "who knows")
	const nobody = "nobody"
	for name, c := range map[string]struct {
		before, roles []string
		fault         error
		takes         bool
		during, after []string
	}{
		"new":              {roles: []string{"a"}, during: []string{nobody}, after: []string{"a"}},
		"new, refused":     {roles: []string{"a"}, fault: refused, during: []string{nobody}},
		"new, lost":        {roles: []string{"a"}, fault: lost, takes: true, during: []string{nobody}, after: []string{nobody}},
		"the same":         {before: []string{"a", "b"}, roles: []string{"a", "b"}, during: []string{"a", "b"}, after: []string{"a", "b"}},
		"more":             {before: []string{"a"}, roles: []string{"a", "b"}, during: []string{"a"}, after: []string{"a", "b"}},
		"more, lost":       {before: []string{"a"}, roles: []string{"a", "b"}, fault: lost, takes: true, during: []string{"a"}, after: []string{"a"}},
		"fewer":            {before: []string{"a", "b"}, roles: []string{"b"}, during: []string{"b"}, after: []string{"b"}},
		"fewer, refused":   {before: []string{"a", "b"}, roles: []string{"b"}, fault: refused, during: []string{"b"}, after: []string{"a", "b"}},
		"others":           {before: []string{"a"}, roles: []string{"b"}, during: []string{nobody}, after: []string{"b"}},
		"others, refused":  {before: []string{"a"}, roles: []string{"b"}, fault: refused, during: []string{nobody}, after: []string{"a"}},
		"others, lost":     {before: []string{"a"}, roles: []string{"b"}, fault: lost, during: []string{nobody}, after: []string{nobody}},
		"no roles, so far": {before: []string{}, roles: []string{"b"}, during: []string{nobody}, after: []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &failing{Store: memstore.New(nil), fault: c.fault, takes: c.takes}
			if c.before != nil {
				give(t, s, c.before...)
			}
			// Whoever asks has gone away: the account must not be left behind for that.
			ctx, gone := context.WithCancel(t.Context())
			gone()
			_, err := front50.SaveManaged(ctx, s, managed, c.roles, pipeline.Pipeline{"id": "p", "name": "P", "application": "shop"}, front50.SaveOptions{})
			require.Equal(t, c.fault, err)
			require.Equal(t, c.during, named(s.during), "while the pipeline is saved")
			require.Equal(t, c.after, named(members(s)))
		})
	}
}

// A pipeline that was saved last decides about the roles, whoever saved it meanwhile.
func TestSaveManagedBesideAnother(t *testing.T) {
	t.Parallel()
	s := &failing{Store: memstore.New(nil)}
	give(t, s, "a")
	s.meanwhile = func() { give(t, s, "a", "prod") }
	_, err := front50.SaveManaged(t.Context(), s, managed, []string{"a"}, pipeline.Pipeline{"id": "p", "name": "P", "application": "shop"}, front50.SaveOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, members(s))

	// What somebody else has given it is not undone with what was refused.
	s.fault = pipeline.Errorf(pipeline.CodeInvalid, "no")
	_, err = front50.SaveManaged(t.Context(), s, managed, []string{"b"}, pipeline.Pipeline{"id": "p", "name": "P", "application": "shop"}, front50.SaveOptions{})
	require.Error(t, err)
	require.Equal(t, []string{"a", "prod"}, members(s))
}

func give(t *testing.T, s front50.Store, roles ...string) {
	t.Helper()
	list := []any{}
	for _, role := range roles {
		list = append(list, role)
	}
	_, err := s.SaveDocument(t.Context(), front50.KindServiceAccount, pipeline.Map{"name": managed, "memberOf": list}, front50.DocumentOptions{})
	require.NoError(t, err)
}

// named tells the role that nobody has by that.
func named(roles []string) []string {
	for i, role := range roles {
		if strings.HasPrefix(role, "changing-") {
			roles[i] = "nobody"
		}
	}
	return roles
}
