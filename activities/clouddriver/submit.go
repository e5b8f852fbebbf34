package clouddriver

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/gennaker/gennaker/pipeline"
)

// settlePatience is how long a deployment waits until the cluster has taken in
// what it applied a moment before: a kind by its CustomResourceDefinition, a
// namespace by its service account, a quota by its status.
const settlePatience = 15 * time.Second

// submit sends one manifest and returns the object as the cluster holds it.
func (cl *cluster) submit(ctx context.Context, m *manifest, operation string) (*unstructured.Unstructured, error) {
	deadline := time.Now().Add(settlePatience)
	for {
		obj, err := cl.trySubmit(ctx, m, operation)
		if err == nil || !m.early(err) || time.Now().After(deadline) {
			return obj, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// early reports whether a refusal comes from the cluster not having settled
// yet. Spinnaker rarely meets these, since it starts a process for every
// manifest and is slower than the controllers.
func (m *manifest) early(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	if m.brought && apierrors.IsNotFound(err) && unknownPath(err) {
		return true
	}
	text := status.Status().Message
	return apierrors.IsForbidden(err) &&
		(strings.Contains(text, "error looking up service account") || strings.Contains(text, "status unknown for quota"))
}

// trySubmit uses the first strategy that the manifest's annotations ask for
// (reference: clouddriver section 5.1).
func (cl *cluster) trySubmit(ctx context.Context, m *manifest, operation string) (*unstructured.Unstructured, error) {
	if m.resource == nil {
		if err := cl.awaitKind(ctx, m); err != nil {
			return nil, err
		}
	}
	t := cl.target(m, operation)
	switch {
	case m.generateName:
		return cl.createOnce(ctx, m, t)
	case m.strategy("recreate"):
		return cl.recreate(ctx, m, t)
	case m.strategy("replace"):
		return cl.replace(ctx, m, t)
	case m.serverSide():
		return cl.applyServerSide(ctx, m, t)
	}
	return cl.apply(ctx, m, t)
}

// target is where a manifest goes; one without a namespace goes to the context's.
func (cl *cluster) target(m *manifest, operation string) target {
	if m.resource.namespaced && m.obj.GetNamespace() == "" {
		m.obj.SetNamespace(cl.namespace)
	}
	return target{
		object:    object{resource: *m.resource, namespace: m.obj.GetNamespace(), name: m.obj.GetName()},
		operation: operation, fresh: m.fresh,
	}
}

// awaitKind looks the kind up until the API server serves it.
func (cl *cluster) awaitKind(ctx context.Context, m *manifest) error {
	gvk := m.obj.GroupVersionKind()
	deadline := time.Now().Add(settlePatience)
	for {
		r, err := cl.catalog.find(ctx, gvk)
		if err == nil {
			m.resource = &r
			return nil
		}
		if pipeline.CodeOf(err) != pipeline.CodeInvalid || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		cl.catalog.forget()
	}
}

// pause waits or returns the context's end.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// serverSide reports whether server-side apply is asked for.
func (m *manifest) serverSide() bool { return m.strategy("server-side-apply") || m.forcesConflicts() }

func (m *manifest) forcesConflicts() bool {
	return strings.EqualFold(m.annotation(strategyPrefix+"server-side-apply"), "force-conflicts")
}

// settleName gives a manifest with generateName the name that it will have, and
// marks manifests whose creation must not happen twice.
func (m *manifest) settleName(operation string) {
	m.generateName = m.generated()
	if m.generateName {
		m.name = generatedName(m.obj.GetGenerateName(), operation, m.index, 0)
		m.obj.SetName(m.name)
	}
}

// generatedName makes the suffix that the API server would draw at random from
// the operation instead, so that a repetition asks for the same name.
func generatedName(base, operation string, index, salt int) string {
	const (
		alphabet = "bcdfghjklmnpqrstvwxz2456789" // the API server's own
		length   = 5
		longest  = 63 - length
	)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", operation, index, salt))
	suffix := make([]byte, length)
	for i := range suffix {
		suffix[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	if len(base) > longest {
		base = base[:longest]
	}
	return base + string(suffix)
}

// createOnce creates an object with a generated name, or finds the one that an
// earlier attempt created.
func (cl *cluster) createOnce(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	for salt := 1; ; salt++ {
		made, err := cl.create(ctx, m.obj, t, createManager)
		if !apierrors.IsAlreadyExists(err) {
			return made, cl.blame(ctx, err, m.obj, "create", t)
		}
		live, err := cl.get(ctx, t.resource, t.namespace, t.name)
		if err == nil && madeBy(live, t.operation, m.index) {
			return live, nil
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, cl.blame(ctx, err, m.obj, "read", t)
		}
		if salt == conflictTries {
			return nil, pipeline.Errorf(pipeline.CodeConflict, "No free name was found for %s%s in namespace %s after %d tries.",
				m.obj.GetGenerateName(), "*", t.namespace, salt)
		}
		t.name = generatedName(m.obj.GetGenerateName(), t.operation, m.index, salt)
		m.obj.SetName(t.name)
	}
}

// recreate deletes the live object, waits until it is gone, and creates it
// anew; unless this very operation already did.
func (cl *cluster) recreate(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	modified, err := withLastApplied(m.obj)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		live, err := cl.get(ctx, t.resource, t.namespace, t.name)
		switch {
		case err == nil && madeBy(live, t.operation, m.index):
			return live, nil
		case err == nil && m.taken(live, t):
			return nil, errVersionTaken
		case err == nil && isDry(ctx):
			return cl.tryRecreation(ctx, modified, t, live)
		case err == nil:
			if err := cl.remove(ctx, t.object, live.GetUID(), metav1.DeleteOptions{}); err != nil {
				return nil, err
			}
			if err := cl.awaitGone(ctx, t.object, live.GetUID()); err != nil {
				return nil, err
			}
		case !apierrors.IsNotFound(err):
			return nil, cl.blame(ctx, err, modified, "read", t)
		}
		made, err := cl.create(ctx, modified, t, applyManager)
		if apierrors.IsAlreadyExists(err) && try < conflictTries {
			continue
		}
		return made, cl.blame(ctx, err, modified, "create", t)
	}
}

// replace overwrites the live object; only when there is none it creates it.
func (cl *cluster) replace(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	pinned := m.obj.GetResourceVersion() != ""
	var contest contest
	for try := 1; ; try++ {
		live, err := cl.get(ctx, t.resource, t.namespace, t.name)
		if apierrors.IsNotFound(err) {
			made, err := cl.create(ctx, m.obj, t, "kubectl-replace")
			if apierrors.IsAlreadyExists(err) && try < conflictTries {
				continue
			}
			return made, cl.blame(ctx, err, m.obj, "create", t)
		}
		if err != nil {
			return nil, cl.blame(ctx, err, m.obj, "read", t)
		}
		if m.taken(live, t) {
			return nil, errVersionTaken
		}
		replaced, err := cl.update(ctx, m.obj, live, t, pinned)
		if (outrun(err) || apierrors.IsNotFound(err)) && !pinned {
			if err := contest.lost(ctx, cl, err, "replace", t.object); err != nil {
				return nil, err
			}
			continue
		}
		return replaced, cl.blame(ctx, err, m.obj, "replace", t)
	}
}

func (cl *cluster) update(ctx context.Context, wanted, live *unstructured.Unstructured, t target, pinned bool) (*unstructured.Unstructured, error) {
	obj := wanted.DeepCopy()
	if !pinned {
		obj.SetResourceVersion(live.GetResourceVersion())
	}
	ctx, cancel := within(ctx)
	defer cancel()
	return cl.client(t.resource, t.namespace).Update(ctx, obj, metav1.UpdateOptions{
		DryRun: dryRun(ctx), FieldManager: "kubectl-replace", FieldValidation: metav1.FieldValidationStrict,
	})
}

// applyServerSide lets the API server merge. Fields that were managed by
// client-side apply move to server-side apply's manager first, as kubectl does,
// or fields dropped from the manifest would stay for ever.
func (cl *cluster) applyServerSide(ctx context.Context, m *manifest, t target) (*unstructured.Unstructured, error) {
	if t.fresh {
		if err := cl.claim(ctx, m, t); err != nil {
			return nil, err
		}
	}
	data, err := json.Marshal(m.obj)
	if err != nil {
		return nil, pipeline.Wrap(pipeline.CodeInvalid, err, "The manifest cannot be written as JSON: %s.", err)
	}
	send := func() (*unstructured.Unstructured, error) {
		force := m.forcesConflicts()
		return cl.patch(ctx, t, types.ApplyPatchType, data, metav1.PatchOptions{
			FieldManager: serverManager, Force: &force, FieldValidation: metav1.FieldValidationStrict,
		})
	}
	applied, err := send()
	if apierrors.IsConflict(err) {
		return nil, unforced(cl.blame(ctx, err, m.obj, "apply", t))
	}
	if err != nil {
		return nil, cl.blame(ctx, err, m.obj, "apply", t)
	}
	if isDry(ctx) {
		return cl.tryAdoption(ctx, m, applied, t)
	}
	migrated, err := cl.adopt(ctx, applied, t)
	if err != nil {
		return nil, cl.blame(ctx, err, m.obj, "take over the fields of", t)
	}
	if !migrated {
		return applied, nil
	}
	applied, err = send()
	return applied, cl.blame(ctx, err, m.obj, "apply", t)
}

// unforced tells what to do about fields that another manager owns; the error's
// details name each with its owner.
func unforced(err error) error {
	var e *pipeline.Error
	if errors.As(err, &e) {
		e.Details = append(e.Details, "Leave these fields out of the manifest, or set the annotation "+strategyPrefix+"server-side-apply: \"force-conflicts\" to take them over.")
	}
	return err
}

// claim makes a fresh version's object. A server-side apply would write into an
// object that came since the version was chosen; a creation fails there instead.
func (cl *cluster) claim(ctx context.Context, m *manifest, t target) error {
	_, err := cl.create(ctx, m.obj, t, createManager)
	if !apierrors.IsAlreadyExists(err) {
		return cl.blame(ctx, err, m.obj, "create", t)
	}
	live, err := cl.get(ctx, t.resource, t.namespace, t.name)
	if apierrors.IsNotFound(err) || err == nil && m.taken(live, t) {
		return errVersionTaken
	}
	return cl.blame(ctx, err, m.obj, "read", t)
}

func madeFresh(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == createManager && entry.Operation == metav1.ManagedFieldsOperationUpdate && entry.Subresource == ""
}

func (cl *cluster) patch(ctx context.Context, t target, kind types.PatchType, data []byte, options metav1.PatchOptions) (*unstructured.Unstructured, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	options.DryRun = dryRun(ctx)
	return cl.client(t.resource, t.namespace).Patch(ctx, t.name, kind, data, options)
}

// adopt hands fields of client-side apply, and those of a fresh version's
// creation, to the manager of server-side apply and reports whether there were
// any.
func (cl *cluster) adopt(ctx context.Context, obj *unstructured.Unstructured, t target) (bool, error) {
	for try := 1; ; try++ {
		managers := adopted(obj, t)
		if len(managers) == 0 {
			return false, nil
		}
		data, err := csaupgrade.UpgradeManagedFieldsPatch(obj, managers, serverManager)
		if err != nil || data == nil {
			return false, err
		}
		if _, err = cl.patch(ctx, t, types.JSONPatchType, data, metav1.PatchOptions{}); err == nil {
			return true, nil
		}
		if !apierrors.IsConflict(err) || try == conflictTries {
			return false, err
		}
		if obj, err = cl.get(ctx, t.resource, t.namespace, t.name); err != nil {
			return false, err
		}
	}
}

// adopted are the managers whose fields go over to server-side apply.
func adopted(obj *unstructured.Unstructured, t target) sets.Set[string] {
	owned := fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", lastAppliedAnnotation))
	managers := sets.New[string]()
	for _, entry := range csaupgrade.FindFieldsOwners(obj.GetManagedFields(), metav1.ManagedFieldsOperationUpdate, owned) {
		managers.Insert(entry.Manager)
	}
	if t.fresh && slices.ContainsFunc(obj.GetManagedFields(), madeFresh) {
		managers.Insert(createManager)
	}
	return managers
}
