package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/accounts/s3accounts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/internal/rolefile"
	"github.com/gennaker/gennaker/pipeline"
)

// accountSettings are those of cloud accounts as a whole.
type accountSettings struct {
	StorageEnabled bool   `help:"Let accounts be stored through Gate (POST, PUT, DELETE /credentials). It takes an administrator where fiat-admin-roles names any; kubeconfigs are references to files of the workers."`
	RolesFile      string `help:"File with roles of users, besides those of sign-in: users: [{username: …, roles: […]}]." type:"path" placeholder:"FILE"`
}

// fileAge is how late a change of the configuration file is seen. Its content is
// compared, so that it does not matter how it was replaced.
const fileAge = 2 * time.Second

// storedWithin is how long the start of a process waits for stored accounts.
const storedWithin = 2 * time.Second

// accountSource keeps the registry of accounts as the configuration file and the
// stored accounts say.
type accountSource struct {
	registry *clouddriver.Accounts
	path     string // of the configuration file, "" without one
	stored   *s3accounts.Store
	roles    *rolefile.File
	log      *slog.Logger

	mu    sync.Mutex
	text  []byte
	fault error
}

// openAccounts builds the registry of accounts.
func (o *opened) openAccounts(ctx context.Context, c connections, p *process, bucket *minio.Client) error {
	for _, note := range p.file.notes {
		o.log.WarnContext(ctx, "configuration of accounts: "+note, "file", p.file.path)
	}
	registry, err := clouddriver.NewAccounts(p.file.kubernetes.Accounts)
	if err != nil {
		return err
	}
	registry.SetProvider(p.file.kubernetes)
	o.accounts = registry
	o.source = &accountSource{registry: registry, path: p.file.path, text: p.file.text, log: o.log}
	if c.Account.RolesFile != "" {
		file, err := rolefile.Open(c.Account.RolesFile)
		if err != nil {
			return err
		}
		o.source.roles, o.roles = file, file
	}
	if c.Account.StorageEnabled && bucket != nil {
		o.stored = s3accounts.New(bucket, c.ObjectStore.Bucket, o.log)
		o.source.stored = o.stored
	}
	return nil
}

// loadStored reads the stored accounts for the first time. A bucket that does not
// answer keeps nobody from starting: its accounts come when it does, and whoever
// needs no bucket goes on without.
func (o *opened) loadStored(ctx context.Context) error {
	if o.stored == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	err := o.source.takeStored(limited)
	if err != nil && pipeline.CodeOf(err).Retryable() && ctx.Err() == nil {
		o.log.WarnContext(ctx, "stored accounts cannot be read yet: they are served once the object store answers", "error", err)
		return nil
	}
	return err
}

// run keeps the registry up to date until ctx ends.
func (s *accountSource) run(ctx context.Context, g *errgroup.Group) {
	if s.path != "" {
		g.Go(func() error { s.watchFile(ctx); return nil })
	}
	if s.stored != nil {
		g.Go(func() error { s.stored.Run(ctx); return nil })
		g.Go(func() error { s.watchStored(ctx); return nil })
	}
}

func (s *accountSource) watchFile(ctx context.Context) {
	ticker := time.NewTicker(fileAge)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.readFile(ctx)
		}
	}
}

// readFile takes the accounts of the file over when it has changed. A file that
// cannot be used leaves those of before; that is logged once, and told by
// [accountSource.Fault].
func (s *accountSource) readFile(ctx context.Context) {
	text, err := os.ReadFile(s.path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && bytes.Equal(text, s.text) {
		return
	}
	var settings clouddriver.ProviderSettings
	var notes []string
	if err == nil {
		s.text = text
		settings, notes, err = parseKubernetes(text, s.path)
	}
	if err == nil {
		err = s.registry.Configure(settings.Accounts)
	}
	if err != nil {
		fault := fmt.Errorf("the accounts of before are served: %w", err)
		if s.fault == nil || s.fault.Error() != fault.Error() {
			s.log.ErrorContext(ctx, "the configuration file cannot be used", "file", s.path, "error", fault)
		}
		s.fault = fault
		if errors.Is(err, os.ErrNotExist) {
			s.text = nil // it may come back as it was
		}
		return
	}
	if s.fault != nil {
		s.log.InfoContext(ctx, "the configuration file can be used again", "file", s.path)
	}
	s.fault = nil
	for _, note := range notes {
		s.log.WarnContext(ctx, "configuration of accounts: "+note, "file", s.path)
	}
	s.log.InfoContext(ctx, "the configuration file has changed: its accounts are in use; other settings need a restart", "file", s.path, "accounts", len(settings.Accounts))
}

func parseKubernetes(text []byte, path string) (clouddriver.ProviderSettings, []string, error) {
	var doc map[string]any
	if err := yaml.UnmarshalStrict(text, &doc); err != nil {
		return clouddriver.ProviderSettings{}, nil, fmt.Errorf("configuration file %s is not YAML: %w", path, err)
	}
	return kubernetesOf(doc, path)
}

// Fault returns what is wrong with the files that accounts come from, nil for
// nothing.
func (s *accountSource) Fault() error {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if s.roles != nil {
		fault = errors.Join(fault, s.roles.Err())
	}
	return fault
}

// probe implements gate.Check.
func (s *accountSource) probe(context.Context) error {
	if fault := s.Fault(); fault != nil {
		return pipeline.Errorf(pipeline.CodeUnavailable, "%s", fault)
	}
	return nil
}

func (s *accountSource) watchStored(ctx context.Context) {
	for {
		changed := s.stored.Changed()
		if err := s.takeStored(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "stored accounts cannot be used", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// takeStored gives the registry the stored accounts of this provider. One that
// cannot be used is passed over, so that the others work.
func (s *accountSource) takeStored(ctx context.Context) error {
	documents, err := s.stored.List(ctx)
	if err != nil {
		return err
	}
	var out []clouddriver.Account
	for _, d := range documents {
		if d.String("type") != clouddriver.Provider {
			continue
		}
		account, err := storable(d)
		if err != nil {
			s.log.WarnContext(ctx, "a stored account is passed over", "account", d.String("name"), "error", err)
			continue
		}
		out = append(out, account)
	}
	return s.registry.Store(out)
}

// storable reads an account that is stored, or is to be. Errors: invalid.
func storable(definition pipeline.Map) (clouddriver.Account, error) {
	account, err := clouddriver.ParseAccount(definition)
	if err != nil {
		return account, err
	}
	if account.KubeconfigContents != "" && !clouddriver.IsReference(account.KubeconfigContents) {
		return account, pipeline.Errorf(pipeline.CodeInvalid,
			"The account %q holds a kubeconfig in clear: put it into a file or a variable of the worker and write kubeconfigContents as file:/path or env:NAME.", account.Name)
	}
	return account, nil
}
