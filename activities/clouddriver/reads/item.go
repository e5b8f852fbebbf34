package reads

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/clusters"
)

// item is an object on its way from the API server to the store: its record and
// as much of its metadata as a reflector needs. Objects become items one page,
// or one event, at a time, so that a list of tens of thousands of pods is never
// in memory as such.
type item struct {
	metav1.PartialObjectMetadata
	record *clusters.Record // nil for what is not kept
}

// DeepCopyObject implements runtime.Object. Items are never changed.
func (i *item) DeepCopyObject() runtime.Object { return i }

// items is a page of them.
type items struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []item
}

// DeepCopyObject implements runtime.Object.
func (l *items) DeepCopyObject() runtime.Object { return l }

// sifter makes items of one kind.
type sifter struct {
	reading  *clouddriver.Reading
	resource clouddriver.Resource
	options  clusters.Options
}

func (s sifter) item(obj *unstructured.Unstructured) item {
	out := item{PartialObjectMetadata: metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: obj.GetName(), Namespace: obj.GetNamespace(), UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(),
	}}}
	if s.resource.Namespaced && !s.reading.Allows(obj.GetNamespace()) {
		return out
	}
	record, keep := clusters.Extract(clusters.Object{
		Fields: obj.Object, Kind: s.resource.Kind, Group: s.resource.Group, KindOf: clouddriver.KindText,
	}, s.options)
	if keep {
		out.record = record
	}
	return out
}

// listWatch lists and watches the kind in a namespace, everywhere when it is
// empty. watched is told how each attempt to watch ended.
func (s sifter) listWatch(namespace string, watched func(error)) *cache.ListWatch {
	var client dynamic.ResourceInterface = s.reading.Dynamic().Resource(s.resource.GVR)
	if namespace != "" {
		client = s.reading.Dynamic().Resource(s.resource.GVR).Namespace(namespace)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			if options.ResourceVersion == "0" {
				// From its cache the API server would send everything at once,
				// whatever limit it is given.
				options.ResourceVersion = ""
			}
			page, err := client.List(ctx, options)
			if err != nil {
				return nil, err
			}
			out := &items{ListMeta: metav1.ListMeta{
				ResourceVersion: page.GetResourceVersion(), Continue: page.GetContinue(), RemainingItemCount: page.GetRemainingItemCount(),
			}}
			for i := range page.Items {
				out.Items = append(out.Items, s.item(&page.Items[i]))
			}
			return out, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := client.Watch(ctx, options)
			watched(err)
			if err != nil {
				return nil, err
			}
			return watch.Filter(w, s.event), nil
		},
	}
}

// event turns an event's object into an item. One that is not kept any more is
// gone, as far as anybody here is concerned.
func (s sifter) event(e watch.Event) (watch.Event, bool) {
	obj, ok := e.Object.(*unstructured.Unstructured)
	if !ok {
		return e, true // an error's Status
	}
	if e.Type == watch.Bookmark {
		out := &item{}
		out.ResourceVersion, out.Annotations = obj.GetResourceVersion(), obj.GetAnnotations()
		e.Object = out
		return e, true
	}
	i := s.item(obj)
	if i.record == nil && (e.Type == watch.Added || e.Type == watch.Modified) {
		e.Type = watch.Deleted
	}
	e.Object = &i
	return e, true
}
