package gate

import (
	"net/http"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// notificationRoutes is who is told of an application's pipelines.
func notificationRoutes() []route {
	return []route{
		{Method: "GET", Path: "/notifications/{type}/{application}", Summary: "Notifications of an application with those of all, or with the type global alone what is stored; an empty object when there are none", Auth: authRead, Response: pipeline.Map{}, handle: getNotifications},
		{Method: "POST", Path: "/notifications/{type}/{application}", Summary: "Replace the notifications of an application, or with the type global those of all", Auth: authWrite, Request: pipeline.Map{}, handle: saveNotifications},
		{Method: "DELETE", Path: "/notifications/{type}/{application}", Summary: "Delete the notifications of an application; missing ones are a success", Auth: authWrite, handle: deleteNotifications},
	}
}

func getNotifications(r *request) error {
	doc, err := front50.Notifications(r.ctx(), r.server.front50, r.param("type"), r.param("application"))
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, doc)
}

func saveNotifications(r *request) error {
	body, err := r.object(false)
	if err != nil {
		return err
	}
	_, err = front50.SaveNotifications(r.ctx(), r.server.front50, r.param("type"), r.param("application"), body, front50.DocumentOptions{By: r.by()})
	if err != nil {
		return err
	}
	return r.done()
}

func deleteNotifications(r *request) error {
	if _, err := front50.NotificationLevel(r.param("type")); err != nil {
		return err
	}
	err := r.server.front50.DeleteDocument(r.ctx(), front50.KindNotification, r.param("application"), r.by())
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	return r.done()
}
