package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// pluginApplication is the application of tasks on plugins, as in Spinnaker.
const pluginApplication = "spinnakerplugins"

// pluginRoutes is what a bucket holds of plugins, for the Spinnaker that shares it.
func pluginRoutes() []route {
	return []route{
		{Method: "GET", Path: "/plugins/info", Summary: "What is known of plugins", Auth: authLogin, Query: []parameter{{"service", "string", nil, "Only plugins that this service is to install."}}, Response: []pipeline.Map{}, handle: listPlugins},
		{Method: "POST", Path: "/plugins/info", Summary: "Start a task that stores a plugin and adds releases to it", Auth: authAdmin, Request: pipeline.Map{}, Response: ref{}, Status: http.StatusAccepted, handle: savePlugin},
		{Method: "PUT", Path: "/plugins/info", Summary: "The same", Auth: authAdmin, Request: pipeline.Map{}, Response: ref{}, Status: http.StatusAccepted, handle: savePlugin},
		{Method: "DELETE", Path: "/plugins/info/{id}", Summary: "Start a task that deletes what is known of a plugin", Auth: authAdmin, Response: ref{}, Status: http.StatusAccepted, handle: deletePlugin},
	}
}

func listPlugins(r *request) error {
	all, err := r.server.front50.Documents(r.ctx(), front50.KindPluginInfo)
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, objects(front50.PluginsFor(all, r.text("service"))))
}

func savePlugin(r *request) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	if err := front50.KindPluginInfo.Check(body); err != nil {
		return err
	}
	description := "Upsert plugin info with Id: " + body.String("id")
	return r.startTask(http.StatusAccepted, pluginApplication, description, pipeline.Map{"type": "upsertPluginInfo", "pluginInfo": map[string]any(body)})
}

func deletePlugin(r *request) error {
	id := r.param("id")
	return r.startTask(http.StatusAccepted, pluginApplication, "Delete plugin info with Id: "+id, pipeline.Map{"type": "deletePluginInfo", "pluginInfoId": id})
}
