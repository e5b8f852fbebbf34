package clouddriver

// ListSettings choose what lists show of an account (reference: clouddriver
// section 1).
type ListSettings struct {
	// Kinds are the only ones that lists show, OmitKinds are left out; each is
	// "kind" or "kind.group". At most one of the two is set.
	Kinds     []string `json:"kinds,omitempty"`
	OmitKinds []string `json:"omitKinds,omitempty"`
	// OnlySpinnakerManaged leaves out of lists what has no application annotation.
	OnlySpinnakerManaged bool `json:"onlySpinnakerManaged,omitempty"`
	// CachingPolicies bound how many objects of a kind lists hold.
	CachingPolicies []CachingPolicy `json:"cachingPolicies,omitempty"`
	// CacheAllApplicationRelationships puts kinds that lists do not show among an
	// application's raw resources too.
	CacheAllApplicationRelationships bool         `json:"cacheAllApplicationRelationships,omitempty"`
	RawResourcesEndpointConfig       RawResources `json:"rawResourcesEndpointConfig,omitzero"`
}

// CachingPolicy bounds how many objects of a kind are listed.
type CachingPolicy struct {
	KubernetesKind     string `json:"kubernetesKind"`
	MaxEntriesPerAgent int    `json:"maxEntriesPerAgent"`
}

// RawResources chooses the kinds among an application's raw resources by
// regular expressions that match whole kinds. At most one list is set.
type RawResources struct {
	KindExpressions     []string `json:"kindExpressions,omitempty"`
	OmitKindExpressions []string `json:"omitKindExpressions,omitempty"`
}
