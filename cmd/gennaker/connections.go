package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/minio/minio-go/v7"
	"go.temporal.io/sdk/client"

	"github.com/gennaker/gennaker/accounts/s3accounts"
	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/directory"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/clusters"
	"github.com/gennaker/gennaker/clusters/redismirror"
	"github.com/gennaker/gennaker/executions"
	"github.com/gennaker/gennaker/executions/redismodel"
	"github.com/gennaker/gennaker/executions/s3archive"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3audit"
	"github.com/gennaker/gennaker/front50"
	front50client "github.com/gennaker/gennaker/front50/client"
	"github.com/gennaker/gennaker/front50/s3store"
	"github.com/gennaker/gennaker/gate/cloud"
	"github.com/gennaker/gennaker/gate/engine"
	"github.com/gennaker/gennaker/internal/ldapdir"
	"github.com/gennaker/gennaker/internal/logging"
	"github.com/gennaker/gennaker/internal/objectstore"
	"github.com/gennaker/gennaker/internal/outbound"
	"github.com/gennaker/gennaker/internal/payload"
	"github.com/gennaker/gennaker/internal/sandbox"
	"github.com/gennaker/gennaker/internal/telemetry"
	"github.com/gennaker/gennaker/internal/temporal"
	"github.com/gennaker/gennaker/workers"
	"github.com/gennaker/gennaker/workflows"
)

// stores says where configuration and executions are kept.
type stores struct {
	ObjectStore objectstore.Config `embed:"" prefix:"object-store-"`
	Front50     s3store.Config     `embed:"" prefix:"front50-"`
}

// connections are what Gate and the workers reach.
type connections struct {
	stores
	Temporal   temporal.Config   `embed:"" prefix:"temporal-"`
	Payload    payload.Config    `embed:"" prefix:"payload-"`
	Redis      redismodel.Config `embed:"" prefix:"redis-"`
	Outbound   outbound.Config   `embed:"" prefix:"outbound-"`
	Account    accountSettings   `embed:"" prefix:"account-"`
	Fiat       fiat.Config       `embed:"" prefix:"fiat-"`
	Audit      s3audit.Config    `embed:"" prefix:"audit-"`
	Artifacts  artifacts.Config  `embed:"" prefix:"artifacts-"`
	Sandbox    sandbox.Config    `embed:"" prefix:"sandbox-"`
	Metrics    telemetry.Config  `embed:"" prefix:"metrics-"`
	Sources    roleSettings      `embed:"" prefix:"roles-"`
	LDAP       ldapdir.Config    `embed:"" prefix:"auth-ldap-"`
	Front50URL string            `name:"front50-url" help:"Address of a Front50 to read and write configuration through; empty opens the bucket itself." placeholder:"URL"`
}

// opened are the connections of one process.
type opened struct {
	temporal client.Client
	payloads *payload.Payloads
	engine   *engine.Engine
	front50  front50.Store
	model    *redismodel.Model
	archive  *s3archive.Archive
	service  *executions.Service
	accounts *clouddriver.Accounts
	// mirror holds what workers see of clusters; watched and cloud answer questions
	// about them.
	mirror  *redismirror.Mirror
	watched *clusters.Reader
	cloud   *cloud.Cloud
	// source keeps accounts up to date, directory knows those of other processes,
	// stored is nil unless accounts may be stored.
	source    *accountSource
	directory *directory.Directory
	stored    *s3accounts.Store
	// roles knows those of users, nil when nothing does; permissions decides by them.
	roles       fiat.Roles
	permissions *fiat.Authorizer
	audit       *s3audit.Log
	// bucket is nil without an object store.
	bucket     *minio.Client
	bucketName string
	known      knownRoles
	outbound   *outbound.Client
	sandbox    *sandbox.Runner
	artifacts  *artifacts.Artifacts
	// unpacked bounds archives.
	unpacked artifacts.Config
	// webhooks holds the lists of the configuration file.
	webhooks webhook.Config
	observed observed
	// bucketHealth tells whether the bucket can be written; nil without one.
	bucketHealth func(context.Context) error
	log          *slog.Logger

	closers []func() error
}

// errShared refuses a Redis that only this process would see.
var errShared = errors.New("redis-address is \"embedded\", which only `gennaker server` can use: name the Redis that Gate and the workers share")

// open opens every connection. Temporal and Redis connect on first use; the
// bucket is waited for.
func (c connections) open(ctx context.Context, p *process, shared bool) (*opened, error) {
	if shared && c.Redis.Address == redismodel.EmbeddedAddress {
		return nil, errShared
	}
	return c.opened(ctx, p, func(o *opened) error {
		c.stores = o.observed.counted(c.stores)
		return o.open(ctx, c, p)
	})
}

// openFor opens what a worker of the roles needs. One that serves cloud accounts
// alone reaches Temporal, its clusters, and, if it was given them, an object
// store, which it needs for large values only, and a Redis, in which it mirrors
// what it watches.
func (c connections) openFor(ctx context.Context, p *process, roles []string) (*opened, error) {
	if slices.ContainsFunc(roles, func(role string) bool { return role != workers.RoleClouddriver }) {
		return c.open(ctx, p, true)
	}
	return c.opened(ctx, p, func(o *opened) error {
		c.stores = o.observed.counted(c.stores)
		var bucket *minio.Client
		var err error
		if c.hasObjectStore() {
			if bucket, err = objectstore.Client(ctx, c.ObjectStore); err != nil {
				return err
			}
		}
		if c.Redis.Address != "" && c.Redis.Address != redismodel.EmbeddedAddress {
			if err := o.openRedis(ctx, c); err != nil {
				return err
			}
		}
		return o.openTemporal(ctx, c, p, bucket)
	})
}

// openRedis opens the read model and the mirror.
func (o *opened) openRedis(ctx context.Context, c connections) (err error) {
	c.Redis.Hook = o.observed.metrics.Redis()
	if o.model, err = redismodel.Open(ctx, c.Redis, o.log); err != nil {
		return err
	}
	o.closers = append(o.closers, o.model.Close)
	o.mirror = redismirror.New(o.model)
	return nil
}

// hasObjectStore reports whether an object store is configured: its address, or
// keys for the address that there is by default.
func (c connections) hasObjectStore() bool {
	s := c.ObjectStore
	return s.Endpoint != "" && (s.Endpoint != defaultObjectStore || s.AccessKey != "" || s.SecretKey != "")
}

// defaultObjectStore is the default of object-store-endpoint.
const defaultObjectStore = "127.0.0.1:9001"

func (c connections) opened(ctx context.Context, p *process, open func(*opened) error) (*opened, error) {
	log, err := logging.New(p.log, p.stderr)
	if err != nil {
		return nil, err
	}
	o := &opened{log: log}
	if o.observed, err = observe(ctx, log); err != nil {
		return nil, err
	}
	// The last spans go out when all else has ended.
	o.closers = append(o.closers, func() error { return o.observed.traces.Close(context.WithoutCancel(ctx)) })
	if err := open(o); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// openTemporal opens what every role needs. A nil bucket is none.
func (o *opened) openTemporal(ctx context.Context, c connections, p *process, bucket *minio.Client) error {
	err := o.openAccounts(ctx, c, p, bucket)
	if err != nil {
		return err
	}
	o.bucket, o.bucketName = bucket, c.ObjectStore.Bucket
	if err := o.openRoles(ctx, c); err != nil {
		return err
	}
	where := payload.Where{Bucket: bucket, Name: c.ObjectStore.Bucket, Namespace: c.Temporal.Namespace}
	if o.payloads, err = payload.Open(ctx, c.Payload, where, o.log); err != nil {
		return err
	}
	var traced error
	o.temporal, err = temporal.Open(ctx, c.Temporal, o.log, o.payloads.Apply, func(options *client.Options) { traced = o.observed.temporal(options) })
	if err = errors.Join(err, traced); err != nil {
		return err
	}
	o.closers = append(o.closers, func() error { o.temporal.Close(); return nil })
	if err := o.askForSubjects(c); err != nil {
		return err
	}
	o.directory = directory.New(o.temporal, workflows.OrcaQueue, o.payloads.DataConverter(), o.accounts)
	return nil
}

func (o *opened) open(ctx context.Context, c connections, p *process) error {
	bucket, err := objectstore.Client(ctx, c.ObjectStore)
	if err != nil {
		return err
	}
	if err := o.openTemporal(ctx, c, p, bucket); err != nil {
		return err
	}
	if o.outbound, err = outbound.New(c.Outbound, nil); err != nil {
		return err
	}
	o.webhooks = p.file.webhooks
	o.engine = engine.New(o.temporal, c.Temporal.Namespace)
	if err := o.openRedis(ctx, c); err != nil {
		return err
	}
	o.cloud = cloud.New(o.temporal)
	o.watched = clusters.NewReader(o.mirror, o.cloud, o.log, nil)
	if err := o.openFront50(ctx, c); err != nil {
		return err
	}
	if err := o.openPermissions(c, bucket); err != nil {
		return err
	}
	if err := o.loadStored(ctx); err != nil {
		return err
	}
	if err := o.openArtifacts(c, p.file); err != nil {
		return err
	}
	o.bucketHealth = o.archiveHealth(bucket, c.ObjectStore.Bucket)
	o.archive = s3archive.New(bucket, c.ObjectStore.Bucket, o.log)
	o.service = executions.NewService(o.model, o.archive, o.engine, o.log, nil)
	return nil
}

func (o *opened) openFront50(ctx context.Context, c connections) error {
	if c.Front50URL != "" {
		remote, err := front50client.New(c.Front50URL, front50client.Options{})
		o.front50 = remote
		return err
	}
	store, err := c.openBucket(ctx, o.log)
	if err != nil {
		return err
	}
	o.front50 = store
	o.closers = append(o.closers, store.Close)
	return nil
}

// openArtifacts makes the room of artifacts, with the accounts of the
// configuration file.
func (o *opened) openArtifacts(c connections, f *configFile) error {
	if err := c.Sandbox.Validate(); err != nil {
		return err
	}
	o.sandbox = sandbox.New(c.Sandbox, sandbox.Self("sandbox")...)
	config := c.Artifacts
	config.Accounts = f.artifacts
	o.unpacked = config
	var err error
	o.artifacts, err = artifacts.New(config, o.outbound, o.front50, o.sandbox)
	return err
}

// openBucket opens the bucket that holds configuration.
func (s stores) openBucket(ctx context.Context, log *slog.Logger) (*s3store.Store, error) {
	config := s.Front50
	config.ObjectStore = s.ObjectStore
	return s3store.Open(ctx, config, log)
}

// close closes what was opened, the last first.
func (o *opened) close() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	return errors.Join(errs...)
}
