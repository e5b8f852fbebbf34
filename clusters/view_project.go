package clusters

import (
	"slices"
	"strings"
)

// ProjectCluster is one row of a project's configuration.
type ProjectCluster struct {
	Account string `json:"account"`
	// Stack and Detail are compared with those of the cluster's name; "*" fits
	// all, nil fits a name without one.
	Stack  *string `json:"stack"`
	Detail *string `json:"detail"`
	// Applications are those of the row; nil are the project's.
	Applications []string `json:"applications"`
}

// ProjectRow is what runs of one row.
type ProjectRow struct {
	Account        string               `json:"account"`
	Applications   []ProjectApplication `json:"applications"`
	Detail         *string              `json:"detail,omitempty"`
	InstanceCounts InstanceCounts       `json:"instanceCounts"`
	Stack          *string              `json:"stack,omitempty"`
}

// ProjectApplication is what runs of one application in a row.
type ProjectApplication struct {
	Application string          `json:"application"`
	Clusters    []ProjectRegion `json:"clusters"`
	// LastPush is when the newest server group was made; 0 when there is none.
	LastPush int64 `json:"lastPush"`
}

// ProjectRegion is what runs in one namespace.
type ProjectRegion struct {
	Builds         []Build        `json:"builds"`
	InstanceCounts InstanceCounts `json:"instanceCounts"`
	LastPush       int64          `json:"lastPush"`
	Region         string         `json:"region"`
}

// Build names the images that are deployed; Kubernetes' server groups tell no
// build, so its number is "0".
type Build struct {
	BuildNumber string   `json:"buildNumber"`
	Deployed    int64    `json:"deployed"`
	Images      []string `json:"images"`
}

// Row answers one row of a project over the views of the applications
// that it names.
func (c ProjectCluster) Row(applications []string, views map[string]*View) ProjectRow {
	if c.Applications != nil {
		applications = c.Applications
	}
	row := ProjectRow{Account: c.Account, Applications: []ProjectApplication{}, Detail: c.Detail, Stack: c.Stack}
	for _, name := range applications {
		a := ProjectApplication{Application: name, Clusters: []ProjectRegion{}}
		if view := views[name]; view != nil {
			a.Clusters = c.regions(view)
		}
		for _, region := range a.Clusters {
			a.LastPush = max(a.LastPush, region.LastPush)
			row.InstanceCounts.add(region.InstanceCounts)
		}
		row.Applications = append(row.Applications, a)
	}
	return row
}

// regions gathers the enabled server groups with instances by namespace.
func (c ProjectCluster) regions(v *View) []ProjectRegion {
	byName := map[string]*ProjectRegion{}
	v.groups(nil, func(a accountView, r *Record) {
		if a.name != c.Account || !c.fits(r.Moniker.Cluster) {
			return
		}
		p := a.parts(r)
		if p.disabled || p.counts.Total == 0 {
			return
		}
		region := byName[r.Namespace]
		if region == nil {
			region = &ProjectRegion{Region: r.Namespace, Builds: []Build{{BuildNumber: "0", Images: []string{}}}}
			byName[r.Namespace] = region
		}
		region.InstanceCounts.add(p.counts)
		build := &region.Builds[0]
		build.Deployed = max(build.Deployed, r.Created)
		for _, image := range r.Images {
			if !slices.Contains(build.Images, image) {
				build.Images = append(build.Images, image)
			}
		}
		region.LastPush = build.Deployed
	})
	out := make([]ProjectRegion, 0, len(byName))
	for _, region := range byName {
		out = append(out, *region)
	}
	slices.SortFunc(out, func(a, b ProjectRegion) int { return strings.Compare(a.Region, b.Region) })
	return out
}

// fits compares stack and detail of a cluster's name.
func (c ProjectCluster) fits(cluster string) bool {
	parts := strings.SplitN(cluster, "-", 3)
	var stack, detail string
	if len(parts) > 1 {
		stack = parts[1]
	}
	if len(parts) > 2 {
		detail = parts[2]
	}
	return partFits(c.Stack, stack) && partFits(c.Detail, detail)
}

func partFits(want *string, got string) bool {
	if want == nil {
		return got == ""
	}
	return *want == "*" || *want == got
}
