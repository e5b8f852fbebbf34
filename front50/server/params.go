package server

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gennaker/gennaker/internal/httpjson"
	"github.com/gennaker/gennaker/pipeline"
)

// number returns a query parameter that is a whole number, or missing when it
// is absent.
func number(c *gin.Context, name string, missing int) (int, error) {
	v := c.Query(name)
	if v == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, pipeline.Errorf(pipeline.CodeInvalid, "The parameter %s is %q: use a whole number from 0.", name, v)
	}
	return n, nil
}

// flag returns a query parameter that is true or false, nil when it is absent.
func flag(c *gin.Context, name string) (*bool, error) {
	v := c.Query(name)
	if v == "" {
		return nil, nil
	}
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The parameter %s is %q: use true or false.", name, v)
	}
	return &b, nil
}

// isTrue is flag with false for an absent one.
func isTrue(c *gin.Context, name string) (bool, error) {
	b, err := flag(c, name)
	return b != nil && *b, err
}

// csv returns the values of a query parameter, which may be repeated, be
// separated by commas, or both.
func csv(c *gin.Context, name string) []string {
	var out []string
	for _, v := range c.QueryArray(name) {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// body reads the request's body as an object.
func (s *Server) body(c *gin.Context) (pipeline.Map, error) {
	return httpjson.ReadMap(c.Writer, c.Request, s.limit)
}

// bodyUnder reads the request's body as an object with the ID of the path, by
// which key tells IDs apart; a body without one gets it. What names it in the
// refusal of another. An empty ID is no condition.
func (s *Server) bodyUnder(c *gin.Context, id, what string, key func(string) string) (pipeline.Map, error) {
	body, err := s.body(c)
	if err != nil || id == "" {
		return body, err
	}
	own := strings.TrimSpace(body.String("id"))
	if own == "" {
		body["id"] = id
		return body, nil
	}
	if key(own) != key(id) {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The provided id %s doesn't match the %s id %s: use the same in path and body.", own, what, id)
	}
	return body, nil
}

// bodies reads the request's body as a list of objects.
func (s *Server) bodies(c *gin.Context) ([]pipeline.Map, error) {
	v, err := httpjson.ReadValue(c.Writer, c.Request, s.limit)
	if err != nil {
		return nil, err
	}
	list, isList := v.([]any)
	if !isList {
		return nil, pipeline.Errorf(pipeline.CodeInvalid, "The request body is not a list: send [{...}, {...}].")
	}
	out := make([]pipeline.Map, len(list))
	for i, e := range list {
		if out[i] = pipeline.AsMap(e); out[i] == nil {
			return nil, pipeline.Errorf(pipeline.CodeInvalid, "Item %d of the request body is not an object: send [{...}, {...}].", i+1)
		}
	}
	return out, nil
}
