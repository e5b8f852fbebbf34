package workflowstest

import (
	"context"

	"github.com/gennaker/gennaker/activities"
)

// SaveTemplate implements activities.Templates.
func (w *World) SaveTemplate(ctx context.Context, in activities.SaveTemplateInput) (activities.SaveTemplateOutput, error) {
	return ask(ctx, w, activities.SaveTemplate, in, func() (activities.SaveTemplateOutput, error) {
		version := in.Template.String("id")
		if in.Tag != "" {
			version += ":" + in.Tag
		}
		return activities.SaveTemplateOutput{Version: version}, nil
	})
}

// DeleteTemplate implements activities.Templates.
func (w *World) DeleteTemplate(ctx context.Context, in activities.DeleteTemplateInput) (activities.Done, error) {
	return ask(ctx, w, activities.DeleteTemplate, in, func() (activities.Done, error) { return activities.Done{}, nil })
}
