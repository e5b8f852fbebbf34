package clouddriver

// Spinnaker's own kinds.
const (
	unclassified        = "unclassified"
	configs             = "configs"
	instances           = "instances"
	loadBalancers       = "loadBalancers"
	securityGroups      = "securityGroups"
	serverGroups        = "serverGroups"
	serverGroupManagers = "serverGroupManagers"
)

// kindInfo is one row of Spinnaker's kind table (reference: clouddriver
// section 2).
type kindInfo struct {
	name          string
	priority      int
	versioned     bool
	spinnakerKind string
	clusterScoped bool
	// traffic: a load balancer's selector may be attached. scale: replicas may
	// be read and set. resize: Deck offers to. rollout: pause, resume, undo and
	// restart. pods: a change of traffic goes to the live pods too. template: the
	// pod spec holds bindable references.
	traffic, scale, resize, rollout, pods, template bool
	// undeployable kinds are made by controllers only.
	undeployable bool
}

// unknownPriority is the deploy priority of kinds outside the table.
const unknownPriority = 1000

// aliases are the short names that Spinnaker accepts.
var aliases = map[string]string{
	"cm": "configmap", "crd": "customresourcedefinition", "ds": "daemonset", "deploy": "deployment",
	"hpa": "horizontalpodautoscaler", "ns": "namespace", "netpol": "networkpolicy", "pv": "persistentvolume",
	"pvc": "persistentvolumeclaim", "po": "pod", "rs": "replicaset", "svc": "service", "sa": "serviceaccount",
	"sc": "storageclass",
}

// kinds is the table, by lower-case name.
var kinds = map[string]kindInfo{
	"namespace":                      {name: "namespace", priority: 0, clusterScoped: true},
	"role":                           {name: "role", priority: 20},
	"clusterrole":                    {name: "clusterRole", priority: 20, clusterScoped: true},
	"rolebinding":                    {name: "roleBinding", priority: 30},
	"clusterrolebinding":             {name: "clusterRoleBinding", priority: 30, clusterScoped: true},
	"customresourcedefinition":       {name: "customResourceDefinition", priority: 30, clusterScoped: true},
	"persistentvolume":               {name: "persistentVolume", priority: 40, spinnakerKind: configs, clusterScoped: true},
	"serviceaccount":                 {name: "serviceAccount", priority: 40},
	"storageclass":                   {name: "storageClass", priority: 40, clusterScoped: true},
	"mutatingwebhookconfiguration":   {name: "mutatingWebhookConfiguration", priority: 40, clusterScoped: true},
	"validatingwebhookconfiguration": {name: "validatingWebhookConfiguration", priority: 40, clusterScoped: true},
	"configmap":                      {name: "configMap", priority: 50, versioned: true, spinnakerKind: configs},
	"secret":                         {name: "secret", priority: 50, versioned: true, spinnakerKind: configs},
	"persistentvolumeclaim":          {name: "persistentVolumeClaim", priority: 50, spinnakerKind: configs},
	"service":                        {name: "service", priority: 70, spinnakerKind: loadBalancers},
	"ingress":                        {name: "ingress", priority: 70, spinnakerKind: loadBalancers},
	"networkpolicy":                  {name: "networkPolicy", priority: 70, spinnakerKind: securityGroups},
	"apiservice":                     {name: "apiService", priority: 80, clusterScoped: true},
	"limitrange":                     {name: "limitRange", priority: 90},
	"podpreset":                      {name: "podPreset", priority: 90},
	"podsecuritypolicy":              {name: "podSecurityPolicy", priority: 90, clusterScoped: true},
	"poddisruptionbudget":            {name: "podDisruptionBudget", priority: 90},
	"pod":                            {name: "pod", priority: 100, versioned: true, spinnakerKind: instances, traffic: true},
	"replicaset":                     {name: "replicaSet", priority: 100, versioned: true, spinnakerKind: serverGroups, traffic: true, scale: true, resize: true, pods: true, template: true},
	"deployment":                     {name: "deployment", priority: 100, spinnakerKind: serverGroupManagers, traffic: true, scale: true, resize: true, rollout: true, template: true},
	"statefulset":                    {name: "statefulSet", priority: 100, spinnakerKind: serverGroups, traffic: true, scale: true, resize: true, rollout: true, template: true},
	"daemonset":                      {name: "daemonSet", priority: 100, spinnakerKind: serverGroups, traffic: true, resize: true, rollout: true, template: true},
	"job":                            {name: "job", priority: 100, spinnakerKind: serverGroups, traffic: true, template: true},
	"cronjob":                        {name: "cronJob", priority: 100, spinnakerKind: serverGroups, traffic: true, template: true},
	"horizontalpodautoscaler":        {name: "horizontalpodautoscaler", priority: 110},
	"event":                          {name: "event", undeployable: true},
	"controllerrevision":             {name: "controllerRevision", undeployable: true},
}

// info returns how the account treats a kind: by the table, else by its custom
// resources, else as unknown.
func (a *account) info(k Kind) kindInfo {
	if custom, ok := a.custom[k.key()]; ok {
		return custom
	}
	if info, ok := kinds[k.key()]; ok {
		if info.spinnakerKind == "" {
			info.spinnakerKind = unclassified
		}
		return info
	}
	return kindInfo{name: k.String(), priority: unknownPriority, spinnakerKind: unclassified}
}
