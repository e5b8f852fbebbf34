package main

import (
	"github.com/minio/minio-go/v7"

	"github.com/gennaker/gennaker/activities/permissions"
	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/fiat/s3audit"
	"github.com/gennaker/gennaker/fiat/stored"
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

// openPermissions makes what decides who may do what, of what Front50 stores and
// of what knows roles, and the audit log.
func (o *opened) openPermissions(c connections, bucket *minio.Client) error {
	authorizer, err := fiat.New(c.Fiat, stored.New(o.front50, nil), o.known.sources)
	if err != nil {
		return err
	}
	o.permissions = authorizer
	o.accounts.SetSubjects(authorizer)
	o.audit = s3audit.New(bucket, c.ObjectStore.Bucket, c.Audit, o.log, nil)
	return nil
}
