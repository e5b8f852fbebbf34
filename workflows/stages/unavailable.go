package stages

import (
	"slices"

	"github.com/gennaker/gennaker/pipeline"
	"github.com/gennaker/gennaker/workflows"
)

// Unavailable is a stage type that Spinnaker has and Gennaker does not run. A
// stage of it fails when it is planned, saying what it needs.
type Unavailable struct {
	// Name is the type, Needs what would have to be there: "the Igor role
	// (continuous integration)".
	Name, Needs string
}

var (
	_ workflows.StageType     = Unavailable{}
	_ workflows.BeforePlanner = Unavailable{}
	_ workflows.Offered       = Unavailable{}
)

// Type implements workflows.StageType.
func (u Unavailable) Type() string { return u.Name }

// Tasks implements workflows.StageType: there are none.
func (Unavailable) Tasks(*pipeline.Stage) []workflows.Task { return nil }

// Offered implements workflows.Offered.
func (Unavailable) Offered() bool { return false }

// Before implements workflows.BeforePlanner, only to fail.
func (u Unavailable) Before(_ *pipeline.Execution, s *pipeline.Stage) ([]workflows.Synthetic, error) {
	return nil, pipeline.Errorf(pipeline.CodeInvalid, "The stage '%s' has the type '%s', which needs %s, which this version does not have: remove the stage, or replace it.", s.Name, u.Name, u.Needs)
}

// withUnavailable adds the types of [missing] that no other type answers to.
func withUnavailable(types []workflows.StageType) []workflows.StageType {
	taken := map[string]bool{}
	for _, t := range types {
		taken[t.Type()] = true
		if a, ok := t.(workflows.Aliased); ok {
			for _, alias := range a.Aliases() {
				taken[alias] = true
			}
		}
	}
	for _, group := range missing {
		for _, name := range group.types {
			if !taken[name] {
				types = append(types, Unavailable{Name: name, Needs: group.needs})
			}
		}
	}
	return slices.Clip(types)
}

// missing lists stage types of Spinnaker by what they need (reference: orca
// sections 6.1 to 6.3). A type that is implemented may stay in the list; see
// [withUnavailable].
var missing = []struct {
	needs string
	types []string
}{
	{"the Igor role (continuous integration)", []string{
		"jenkins", "travis", "script", "concourse", "wercker", "googleCloudBuild", "awsCodeBuild", "getProperties",
	}},
	{"the baking of machine images", []string{
		"bake", "bakeManifest", "bakeCloudFoundryManifest", "findImage", "findImageFromTags", "upsertImageTags", "deleteImage",
	}},
	{"the Kayenta role (canary analysis)", []string{
		"kayentaCanary", "deployCanaryServerGroups", "runCanaryIntervals", "runCanary", "cleanupCanaryClusters",
		"canary", "deployCanary", "monitorCanary", "acaTask", "canaryDisableCluster",
	}},
	{"a part of the Clouddriver role that works on Kubernetes manifests", []string{
		"scaleManifest", "patchManifest", "undoRolloutManifest", "pauseRolloutManifest", "resumeRolloutManifest",
		"rollingRestartManifest", "disableManifest", "enableManifest", "findArtifactsFromResource",
	}},
	{"a cloud provider with server groups of virtual machines", []string{
		"deploy", "createServerGroup", "cloneServerGroup", "rollingPush", "copyLastAsg",
		"disableCluster", "shrinkCluster", "scaleDownCluster", "rollbackCluster", "determineTargetServerGroup", "determineTargetReference",
		"resizeServerGroup", "enableServerGroup", "disableServerGroup", "destroyServerGroup", "bulkDestroyServerGroup", "rollbackServerGroup",
		"pinServerGroup", "upsertServerGroupTags", "updateLaunchConfig", "updateLaunchTemplate", "upsertDisruptionBudget",
		"serverGroupForceCacheRefresh", "captureSourceServerGroupCapacity", "applySourceServerGroupCapacity",
		"modifyAwsScalingProcess", "modifyScalingProcess", "modifyScalingGroup", "modifyWarmPool", "updateSecurityGroupsForServerGroup",
		"startServerGroup", "stopServerGroup",
		"terminateInstances", "terminateInstanceAndDecrementServerGroup", "rebootInstances", "registerInstancesWithLoadBalancer",
		"deregisterInstancesFromLoadBalancer", "detachInstances", "enableInstancesInDiscovery", "disableInstancesInDiscovery",
		"terminateInstanceAndDecrementAsg",
		"upsertLoadBalancer", "upsertLoadBalancers", "deleteLoadBalancer", "upsertSecurityGroup", "deleteSecurityGroup", "copySecurityGroup",
		"upsertScalingPolicy", "deleteScalingPolicy", "saveSnapshot", "restoreSnapshot", "deleteSnapshot",
		"modifyAsg", "modifyAsgLaunchConfiguration", "enableAsg", "disableAsg", "destroyAsg", "quickPatch", "bulkQuickPatch",
		"upsertAsgScheduledActions", "upsertAsgTags", "destroyJob", "updateJobProcesses",
		"notifyDeployStarting", "evaluateDeploymentHealth", "notifyDeployCompleted", "cloudOperation",
	}},
	{"the cloud provider Amazon Web Services", []string{
		"upsertAmazonLoadBalancer", "deleteAmazonLoadBalancer", "copyAmazonLoadBalancer", "upsertAmazonDNS",
		"deleteLaunchConfiguration", "deleteLaunchTemplate", "associateElasticIp", "disassociateElasticIp",
		"deployCloudFormation", "deleteCloudFormation", "lambdaFunction",
		"Aws.LambdaDeploymentStage", "Aws.LambdaDeleteStage", "Aws.LambdaInvokeStage", "Aws.LambdaTrafficRoutingStage", "Aws.LambdaUpdateCodeStage",
	}},
	{"the cloud provider Google", []string{
		"upsertAppEngineLoadBalancers", "upsertCloudrunLoadBalancers", "deployAppEngineConfiguration", "deployCloudrunManifest",
		"setStatefulDisk", "statefullyUpdateBootImage", "modifyGceAutoscalingPolicy",
	}},
	{"the cloud provider Tencent", []string{"upsertTencentCloudScheduledActions", "deleteTencentCloudScheduledAction"}},
	{"the cloud provider Cloud Foundry", []string{
		"deployService", "destroyService", "shareService", "unshareService", "createServiceKey", "deleteServiceKey",
		"cloudFoundryCreateServiceBindings", "cloudFoundryDeleteServiceBindings", "mapLoadBalancers", "unmapLoadBalancers",
	}},
	{"the tagging of many entities at once", []string{"bulkUpsertEntityTags"}},
	{"pipeline templates of schema 1 in Front50", []string{"createPipelineTemplate", "updatePipelineTemplate", "deletePipelineTemplate"}},
	{"the Keel role (managed delivery)", []string{
		"importDeliveryConfig", "publishDeliveryConfig", "upsertDeliveryConfig", "deleteDeliveryConfig",
	}},
	{"plugins", []string{"loadPluginRelease", "setPreferredPluginRelease", "remote"}},
	{"a service that is not part of Spinnaker's core", []string{"jira", "pageApplicationOwner", "gremlin", "clouddriverClearAltTablespace"}},
}
