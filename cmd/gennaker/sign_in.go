package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/githubroles"
	"github.com/gennaker/gennaker/fiat/redissessions"
	"github.com/gennaker/gennaker/fiat/s3tokens"
	"github.com/gennaker/gennaker/fiat/s3users"
	"github.com/gennaker/gennaker/fiat/stored"
	"github.com/gennaker/gennaker/gate/signin"
	"github.com/gennaker/gennaker/internal/ldapdir"
	"github.com/gennaker/gennaker/internal/rolefile"
	"github.com/gennaker/gennaker/pipeline"
)

// roleSettings say where roles come from besides the sign-in.
type roleSettings struct {
	File   string             `help:"File with the roles of users: users: [{username: …, roles: […]}]. Read anew when it changes." type:"path" placeholder:"FILE"`
	LDAP   bool               `name:"ldap" default:"true" negatable:"" help:"Ask the directory of auth-ldap-* for the groups of users when they are needed, if auth-ldap-manager-dn may. Off takes those of the last sign-in."`
	GitHub githubroles.Config `embed:"" prefix:"github-"`
	// CacheTime is how late a change in LDAP or GitHub is seen.
	CacheTime time.Duration `default:"30s" help:"How late a change of roles in LDAP or GitHub is seen; that of a file is seen within 2 seconds. POST /auth/roles/sync asks at once."`
}

// knownRoles are the sources of roles of a process.
type knownRoles struct {
	// users keeps what people signed in with; nil without an object store.
	users *s3users.Store
	// sources is their union, with those of users.
	sources fiat.Roles
	caches  []*fiat.Cache
	// ldap is nil unless it is configured; asked is set when it tells roles.
	ldap  *ldapdir.Directory
	asked bool
	files []*rolefile.File
}

// openRoles opens the sources of roles.
func (o *opened) openRoles(ctx context.Context, c connections) error {
	var sources []fiat.Roles
	if o.bucket != nil {
		o.known.users = s3users.New(o.bucket, c.ObjectStore.Bucket, nil)
		sources = append(sources, fiat.SignedInRoles(o.known.users))
	}
	own := len(sources)
	if c.Sources.File != "" {
		file, err := rolefile.Open(c.Sources.File)
		if err != nil {
			return err
		}
		o.known.files = append(o.known.files, file)
		sources = append(sources, file)
	}
	if o.roles != nil { // the file of account-roles-file
		sources = append(sources, o.roles)
	}
	cached := func(source fiat.Roles) {
		cache := fiat.NewCache(source, c.Sources.CacheTime, nil)
		o.known.caches = append(o.known.caches, cache)
		sources = append(sources, cache)
	}
	if c.LDAP.URL != "" {
		var err error
		if o.known.ldap, err = ldapdir.Open(ctx, c.LDAP); err != nil {
			return err
		}
		if o.known.asked = c.Sources.LDAP && o.known.ldap.Answers(); o.known.asked {
			cached(o.known.ldap)
		}
	}
	if c.Sources.GitHub.Organization != "" {
		github, err := githubroles.New(ctx, c.Sources.GitHub)
		if err != nil {
			return err
		}
		cached(github)
	}
	if c.Sources.CacheTime < 0 {
		return fmt.Errorf("roles-cache-time is %s: set it to 0 or above", c.Sources.CacheTime)
	}
	o.known.sources = fiat.Union(sources...)
	// A process that is told of no source knows sign-ins alone, and asks those who
	// know more where it does not have to decide itself.
	o.roles = nil
	if len(sources) > own {
		o.roles = o.known.sources
	}
	return nil
}

// signIn builds how people sign in.
func (o *opened) signIn(ctx context.Context, c gateSettings) (*signin.SignIn, error) {
	store := redissessions.New(o.model, c.Auth.Session.Idle, c.Auth.Session.Lifetime, nil)
	tokens := s3tokens.New(o.bucket, o.bucketName, o.log, nil)
	o.closers = append(o.closers, tokens.Close)
	d := signin.Dependencies{
		ServiceAccount: o.hasServiceAccount, Sessions: store, Failures: store, Tokens: tokens, Users: o.known.users, DeckURL: c.Gate.DeckURL, Logger: o.log,
		ForgetRoles: func() {
			for _, cache := range o.known.caches {
				cache.Forget()
			}
		},
	}
	if o.known.ldap != nil {
		d.Directory = signin.FromDirectory(o.known.ldap, o.known.asked)
	}
	return signin.New(ctx, d, c.Auth)
}

// hasServiceAccount reports whether Front50 stores a service account.
func (o *opened) hasServiceAccount(ctx context.Context, name string) (bool, error) {
	_, exists, err := stored.New(o.front50, serviceAccounts(o.front50)).ServiceAccount(ctx, name)
	return exists, err
}

// signInHealth reports what is wrong with the files that people sign in with.
func signInHealth(s *signin.SignIn) func(context.Context) error {
	return func(context.Context) error {
		if err := s.Err(); err != nil {
			return pipeline.Errorf(pipeline.CodeUnavailable, "%s", err)
		}
		return nil
	}
}
