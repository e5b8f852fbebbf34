package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// readyWithin bounds how long the server may take from its start until it serves a namespace's first request.
const readyWithin = 30 * time.Second

// prepareNamespaces makes each namespace with its retention and registers each search attribute that it lacks. It works
// through the public API, so an older database gains what a newer version asks for, and it returns only when the server
// answers for every namespace.
func prepareNamespaces(ctx context.Context, opts *options) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{HostPort: net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port))})
	if err != nil {
		return fmt.Errorf("build a client of the server: %w", err)
	}
	defer c.Close()
	for _, ns := range opts.Namespaces {
		if err := retry(ctx, func() error { return ensureNamespace(ctx, c, ns, opts.Retention) }); err != nil {
			return fmt.Errorf("make namespace %q: %w", ns, err)
		}
		if err := retry(ctx, func() error { return ensureAttributes(ctx, c, ns, opts.Attributes) }); err != nil {
			return fmt.Errorf("register search attributes in namespace %q: %w", ns, err)
		}
	}
	return nil
}

func ensureNamespace(ctx context.Context, c client.Client, ns string, retention time.Duration) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        ns,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func ensureAttributes(ctx context.Context, c client.Client, ns string, names []string) error {
	have, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: ns})
	if err != nil {
		return err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range names {
		kind, ok := have.GetCustomAttributes()[name]
		switch {
		case !ok:
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
			return fmt.Errorf("search attribute %q exists as %s, not as Keyword: remove it or start from an empty database", name, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: ns, SearchAttributes: missing,
	})
	return err
}

// retry repeats f until it succeeds or ctx ends: the namespace registry refreshes in the background, so the first calls
// after a start or after a registration may not find the namespace yet.
func retry(ctx context.Context, f func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := f()
		if err == nil {
			return nil
		}
		var invalid *serviceerror.InvalidArgument
		if errors.As(err, &invalid) {
			return err
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		case <-tick.C:
		}
	}
}
