package main

import (
	"context"

	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/activities/permissions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3audit"
	"github.com/gennaker/gennaker/fiat/stored"
	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// askForSubjects lets accounts ask who may use them: this process's own file of
// roles, or the orca workers. A process that opens the bucket decides itself, see
// openPermissions.
func (o *opened) askForSubjects(c connections) error {
	if o.roles == nil {
		o.accounts.SetSubjects(permissions.NewRemote(o.temporal, workflows.OrcaQueue, nil))
		return nil
	}
	known, err := fiat.New(c.Fiat, nil, o.roles)
	if err == nil {
		o.accounts.SetSubjects(known)
	}
	return err
}

// serviceAccounts reads service accounts from Front50. While its bucket does not
// answer, what is in memory is their word, as for everything else that is read.
func serviceAccounts(store front50.Documents) stored.ServiceAccount {
	return func(ctx context.Context, name string) (pipeline.Map, error) {
		k := front50.KindServiceAccount
		doc, err := store.Document(ctx, k, name)
		if err == nil || pipeline.CodeOf(err) != pipeline.CodeUnavailable {
			return doc, err
		}
		all, listErr := store.Documents(ctx, k)
		if listErr != nil {
			return nil, err
		}
		for _, doc := range all {
			if k.Key(k.ID(doc)) == k.Key(name) {
				return doc, nil
			}
		}
		return nil, k.NotFound(name)
	}
}

// openPermissions makes what decides who may do what, of what Front50 stores and
// of what knows roles, and the audit log.
func (o *opened) openPermissions(c connections, bucket *minio.Client) error {
	authorizer, err := fiat.New(c.Fiat, stored.New(o.front50, serviceAccounts(o.front50)), o.known.sources)
	if err != nil {
		return err
	}
	o.permissions = authorizer
	o.accounts.SetSubjects(authorizer)
	o.audit = s3audit.New(bucket, c.ObjectStore.Bucket, c.Audit, o.log, nil)
	return nil
}
