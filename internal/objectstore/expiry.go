package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
)

// Expiry says how long objects below a prefix live after their last write.
type Expiry struct {
	// ID names the rule among the bucket's others.
	ID     string
	Prefix string
	Days   int
}

// Expire puts an expiry among the bucket's lifecycle rules, in place of an
// older one of the same ID, and tells whether anything changed. Older versions
// and delete markers below the prefix go a day after what took their place.
// Rules that are not ours stay.
func Expire(ctx context.Context, client *minio.Client, bucket string, e Expiry) (changed bool, err error) {
	have, err := client.GetBucketLifecycle(ctx, bucket)
	switch {
	case minio.ToErrorResponse(err).Code == "NoSuchLifecycleConfiguration":
		have = lifecycle.NewConfiguration()
	case err != nil:
		return false, fmt.Errorf("read the lifecycle rules of bucket %q: %w", bucket, err)
	}
	want := e.rules()
	kept := slices.DeleteFunc(slices.Clone(have.Rules), func(r lifecycle.Rule) bool { return r.ID == want[0].ID || r.ID == want[1].ID })
	if len(have.Rules)-len(kept) == len(want) && slices.ContainsFunc(have.Rules, func(r lifecycle.Rule) bool {
		return r.ID == want[0].ID && r.Status == want[0].Status && r.RuleFilter.Prefix == e.Prefix && int(r.Expiration.Days) == e.Days
	}) {
		return false, nil
	}
	have.Rules = append(kept, want...)
	if err := client.SetBucketLifecycle(ctx, bucket, have); err != nil {
		return false, fmt.Errorf("set the lifecycle rules of bucket %q: %w", bucket, err)
	}
	return true, nil
}

// rules are two, since no rule may both expire objects by age and remove the
// markers that this leaves.
func (e Expiry) rules() []lifecycle.Rule {
	filter := lifecycle.Filter{Prefix: e.Prefix}
	return []lifecycle.Rule{
		{
			ID: e.ID, Status: "Enabled", RuleFilter: filter,
			Expiration:                  lifecycle.Expiration{Days: lifecycle.ExpirationDays(e.Days)},
			NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1},
		},
		{
			ID: e.ID + "-markers", Status: "Enabled", RuleFilter: filter,
			Expiration: lifecycle.Expiration{DeleteMarker: true},
		},
	}
}

// IsRefused reports whether err says that the store does not offer, or does not
// allow, what was asked.
func IsRefused(err error) bool {
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return false
	}
	return r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusNotImplemented || r.StatusCode == http.StatusMethodNotAllowed
}
