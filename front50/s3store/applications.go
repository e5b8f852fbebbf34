package s3store

import (
	"context"
	"errors"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// Applications implements front50.Reader.
func (s *Store) Applications(ctx context.Context) ([]pipeline.Application, error) {
	if err := s.peek(ctx, s.applications); err != nil {
		return nil, err
	}
	objects := s.applications.all()
	out := []pipeline.Application{}
	for _, o := range objects {
		if o.file == applicationFile && o.doc != nil {
			out = append(out, application(o, objects[s.applications.key(o.id, permissionFile)]))
		}
	}
	return front50.SortApplications(out), nil
}

// application returns a copy of the document with its permissions.
func application(o, permission *object) pipeline.Application {
	app := pipeline.Application(o.doc.Clone())
	if permission == nil {
		return front50.JoinPermissions(app, nil)
	}
	if permission.doc == nil {
		// The object is there and cannot be read: its application must not
		// seem unrestricted.
		return front50.JoinPermissions(app, pipeline.Map{"permissions": "unreadable"})
	}
	return front50.JoinPermissions(app, permission.doc)
}

// Application implements front50.Reader.
func (s *Store) Application(ctx context.Context, name string) (pipeline.Application, error) {
	key := front50.ApplicationKey(name)
	if !front50.Storable(key) {
		return nil, front50.ApplicationNotFound(name)
	}
	o, permission, err := s.readBoth(ctx, key)
	if err != nil {
		return nil, err
	}
	if o == nil || o.doc == nil {
		return nil, front50.ApplicationNotFound(name)
	}
	return application(o, permission), nil
}

// both reads the two objects of an application from the bucket. Memory gets both or
// neither: an application must not seem unrestricted because only one was read.
func (s *Store) both(ctx context.Context, id string) (app, permission *object, err error) {
	g := s.applications
	found, err := g.fetchAll(ctx, []string{g.key(id, applicationFile), g.key(id, permissionFile)})
	if err != nil {
		return nil, nil, err
	}
	return found[0], found[1], nil
}

// readBoth is both for readers: while the object store does not answer, memory
// does, also where it knows that there is no permission object.
func (s *Store) readBoth(ctx context.Context, id string) (app, permission *object, err error) {
	known, restricts := s.cachedBoth(id)
	if known != nil && s.bucket.down.Load() {
		return known, restricts, nil
	}
	app, permission, err = s.both(ctx, id)
	if err != nil && known != nil && ctx.Err() == nil {
		return known, restricts, nil // the fault has been logged where it was found
	}
	return app, permission, err
}

func (s *Store) cachedBoth(id string) (app, permission *object) {
	g := s.applications
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.objects[g.key(id, applicationFile)], g.objects[g.key(id, permissionFile)]
}

// SaveApplication implements front50.Writer.
func (s *Store) SaveApplication(ctx context.Context, app pipeline.Application, by front50.Author) (previous, current pipeline.Application, err error) {
	return s.WriteApplication(ctx, app, front50.ApplicationOptions{By: by})
}

// WriteApplication implements front50.Writer. The merge is computed from what
// the bucket holds and written only over that, so that no other writer's
// attributes are lost.
func (s *Store) WriteApplication(ctx context.Context, app pipeline.Application, o front50.ApplicationOptions) (previous, current pipeline.Application, err error) {
	if err := front50.CheckApplicationName(app); err != nil {
		return nil, nil, err
	}
	id := front50.ApplicationKey(app.Name())
	release, err := s.locks.acquire(ctx, "application "+id)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	for range attempts {
		previous, current, err = s.writeApplication(ctx, id, app, o)
		if !errors.Is(err, errChanged) {
			return previous, current, err
		}
	}
	return nil, nil, pipeline.Errorf(pipeline.CodeConflict, "The application %s is being changed by others all the time: try again.", app.Name())
}

func (s *Store) writeApplication(ctx context.Context, id string, app pipeline.Application, o front50.ApplicationOptions) (previous, current pipeline.Application, err error) {
	stored, permission, err := s.both(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	must := condition{absent: true}
	if stored != nil {
		must = condition{etag: stored.etag}
		if stored.doc != nil {
			previous = application(stored, permission)
		}
	}
	current, err = s.rules.Application(previous, app, o)
	if err != nil {
		return nil, nil, err
	}
	doc := pipeline.Application(maps.Clone(map[string]any(current)))
	permissions := front50.SplitPermissions(doc)
	if app["permissions"] != nil {
		// Before the application, so that it is never open for a moment.
		if err := s.putApplication(ctx, id, permissionFile, permissions, condition{}); err != nil {
			return nil, nil, err
		}
	}
	if err := s.putApplication(ctx, id, applicationFile, pipeline.Map(doc), must); err != nil {
		return nil, nil, err
	}
	s.mark(ctx, s.applications)
	return previous, current.Clone(), nil
}

func (s *Store) putApplication(ctx context.Context, id, file string, doc pipeline.Map, must condition) error {
	body, err := encode(doc)
	if err != nil {
		return err
	}
	key := s.applications.key(id, file)
	etag, err := s.bucket.put(ctx, key, body, must)
	if err != nil {
		return err
	}
	s.applications.wrote(key, &object{id: id, file: file, etag: etag, doc: doc.Clone()})
	return nil
}

// DeleteApplication implements front50.Writer. What belongs to the application
// goes first and the application last, so that a deletion cut short can be
// repeated.
func (s *Store) DeleteApplication(ctx context.Context, name string, by front50.Author) (pipeline.Application, error) {
	id := front50.ApplicationKey(name)
	if !front50.Storable(id) {
		return nil, nil
	}
	release, err := s.locks.acquire(ctx, "application "+id)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := s.pipelines.fresh(ctx); err != nil {
		return nil, err
	}
	stored, permission, err := s.both(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.deletePipelinesOf(ctx, id); err != nil {
		return nil, err
	}
	if err := s.deleteLeftovers(ctx, id, by); err != nil {
		return nil, err
	}
	for _, file := range []string{applicationFile, permissionFile} {
		key := s.applications.key(id, file)
		if err := s.bucket.remove(ctx, key); err != nil {
			return nil, err
		}
		s.applications.wrote(key, nil)
	}
	if stored == nil || stored.doc == nil {
		return nil, nil
	}
	return application(stored, permission), nil
}

func (s *Store) deletePipelinesOf(ctx context.Context, id string) error {
	deletes, deleting := errgroup.WithContext(ctx)
	deletes.SetLimit(parallel)
	for key, o := range s.pipelines.all() {
		if o.doc == nil || front50.ApplicationKey(pipeline.Pipeline(o.doc).Application()) != id {
			continue
		}
		deletes.Go(func() error {
			if err := s.deleteManaged(deleting, o.id); err != nil {
				return err
			}
			if err := s.bucket.remove(deleting, key); err != nil {
				return err
			}
			s.pipelines.wrote(key, nil)
			return nil
		})
	}
	return deletes.Wait()
}
