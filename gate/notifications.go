package gate

import (
	"net/http"
	"strings"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

// notificationRoutes is who is told of an application's pipelines.
func notificationRoutes() []route {
	return []route{
		{Method: "GET", Path: "/notifications/{type}/{application}", Summary: "Notifications of an application with those of all, or with the type global alone what is stored; an empty object when there are none", Auth: authRead, Response: pipeline.Map{}, handle: getNotifications},
		{Method: "POST", Path: "/notifications/{type}/{application}", Summary: "Replace the notifications of an application, or with the type global those of all, which takes an administrator where fiat-admin-roles names any", Auth: authWrite, Request: pipeline.Map{}, handle: saveNotifications},
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

// mayNotify refuses a change of the notifications that hold for all applications to
// who is no administrator, under whichever level the path names them.
func (r *request) mayNotify() error {
	k, name := front50.KindNotification, r.param("application")
	level, err := front50.NotificationLevel(r.param("type"))
	if err != nil {
		return err
	}
	if level != front50.LevelGlobal && strings.TrimSpace(name) != "" && k.Key(name) != k.Key(front50.GlobalNotifications) {
		return nil
	}
	return r.administrator(r.server.permissions.Manager)
}

func saveNotifications(r *request) error {
	if err := r.mayNotify(); err != nil {
		return err
	}
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
	if err := r.mayNotify(); err != nil {
		return err
	}
	err := r.server.front50.DeleteDocument(r.ctx(), front50.KindNotification, r.param("application"), r.by())
	if err != nil && pipeline.CodeOf(err) != pipeline.CodeNotFound {
		return err
	}
	return r.done()
}
