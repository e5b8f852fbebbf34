package front50

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker/pipeline"
)

// notificationFormats are the kinds of messages whose global lists an application
// gets beside its own (reference: front50 section 4).
var notificationFormats = []string{"email", "googlechat", "hipchat", "microsoftteams", "pubsub", "slack", "sms"}

// Levels of notifications.
const (
	LevelApplication = "application"
	LevelGlobal      = "global"
)

// NotificationLevel returns the level that a request names.
//
// Errors: invalid.
func NotificationLevel(name string) (string, error) {
	switch level := strings.ToLower(name); level {
	case LevelApplication, LevelGlobal:
		return level, nil
	}
	return "", pipeline.Errorf(pipeline.CodeInvalid, "No hierarchical level matches '%s': use application or global.", truncate(name, 80))
}

// Notifications returns what is stored for a name, an empty document when there is
// nothing. For an application the lists that hold for all are added to its own.
//
// Errors: invalid for an unknown level, unavailable.
func Notifications(ctx context.Context, s Documents, level, name string) (pipeline.Map, error) {
	level, err := NotificationLevel(level)
	if err != nil {
		return nil, err
	}
	own, err := storedNotifications(ctx, s, name)
	if err != nil || level == LevelGlobal {
		return own, err
	}
	global, err := storedNotifications(ctx, s, GlobalNotifications)
	if err != nil {
		return nil, err
	}
	for _, format := range notificationFormats {
		if list := global.List(format); list != nil {
			own[format] = append(append([]any{}, own.List(format)...), list...)
		}
	}
	return own, nil
}

func storedNotifications(ctx context.Context, s Documents, id string) (pipeline.Map, error) {
	doc, err := s.Document(ctx, KindNotification, id)
	if err != nil && pipeline.CodeOf(err) == pipeline.CodeNotFound {
		return pipeline.Map{}, nil
	}
	return doc, err
}

// SaveNotifications stores the notifications of a name, whatever the document says
// of whose they are.
//
// Errors: invalid for an unknown level, and those of [Documents].
func SaveNotifications(ctx context.Context, s Documents, level, name string, doc pipeline.Map, o DocumentOptions) (pipeline.Map, error) {
	if _, err := NotificationLevel(level); err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The notifications are not an object: send one.")
	}
	doc = doc.Clone()
	doc["application"] = name
	return s.SaveDocument(ctx, KindNotification, doc, o)
}
