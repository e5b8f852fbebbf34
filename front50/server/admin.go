package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/front50"
	"github.com/gennaker/gennaker/pipeline"
)

func (s *Server) adminRoutes(g *gin.Engine) {
	g.GET("/credentials", s.route(s.credentials))
	g.POST("/admin/recover", s.route(s.recoverObject))
}

// credentials lists accounts of cloud providers that Front50 itself would use, of
// which there are none.
func (s *Server) credentials(c *gin.Context) error {
	return answer(c, http.StatusOK, []pipeline.Map{})
}

// recoverable are the kinds under the names of Spinnaker's classes. A strategy has
// the class of a pipeline.
var recoverable = map[string]*front50.Kind{
	"project": front50.KindProject, "notification": front50.KindNotification, "serviceaccount": front50.KindServiceAccount,
	"snapshot": front50.KindSnapshot, "entitytags": front50.KindEntityTags, "delivery": front50.KindDelivery,
	"plugininfo": front50.KindPluginInfo, "servergrouppluginversions": front50.KindPluginVersions, "strategy": front50.KindStrategy,
}

// recoverObject brings a deleted object back as its last version was. What is there
// stays as it is.
func (s *Server) recoverObject(c *gin.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	class, id := strings.ToLower(body.String("objectType")), body.String("objectId")
	if class == "" || id == "" {
		return pipeline.Errorf(pipeline.CodeInvalid, "A recovery requires objectType and objectId: set both.")
	}
	k := recoverable[class]
	switch {
	case class == "pipeline":
		err = s.recoverPipeline(c, id)
	case k != nil:
		err = s.recoverDocument(c, k, id)
	default:
		// An application without the permissions that it had would be open to everyone.
		return pipeline.Errorf(pipeline.CodeInvalid, "Objects of the type %q are not recovered here: restore the object's last version in the bucket, of an application that of its permissions first.", body.String("objectType"))
	}
	if err != nil {
		return err
	}
	return done(c)
}

func (s *Server) recoverPipeline(c *gin.Context, id string) error {
	ctx := c.Request.Context()
	if _, err := s.store.Pipeline(ctx, id); pipeline.CodeOf(err) != pipeline.CodeNotFound || err == nil {
		return err
	}
	versions, err := s.store.PipelineHistory(ctx, id, 1)
	if err != nil {
		return err
	}
	_, err = s.store.SavePipeline(ctx, versions[0], front50.SaveOptions{By: author(c)})
	return err
}

func (s *Server) recoverDocument(c *gin.Context, k *front50.Kind, id string) error {
	ctx := c.Request.Context()
	if _, err := s.store.Document(ctx, k, id); pipeline.CodeOf(err) != pipeline.CodeNotFound || err == nil {
		return err
	}
	versions, err := s.store.DocumentHistory(ctx, k, id, 1)
	if err != nil {
		return err
	}
	_, err = s.store.SaveDocument(ctx, k, versions[0], front50.DocumentOptions{By: author(c), MustNotExist: true})
	return err
}
