package signin

import (
	"encoding/json"
	"strconv"
	"strings"
)

// at returns a claim: the one of that name, or else the one that its dots lead to.
func (c claims) at(name string) any {
	if name == "" {
		return nil
	}
	if v, ok := c[name]; ok {
		return v
	}
	head, rest, found := strings.Cut(name, ".")
	if inner, ok := c[head].(map[string]any); found && ok {
		return claims(inner).at(rest)
	}
	return nil
}

// text returns a claim that is text, "" for any other.
func (c claims) text(name string) string {
	s, _ := c.at(name).(string)
	return strings.TrimSpace(s)
}

// texts returns a claim's text, or those of a list.
func (c claims) texts(name string) []string {
	var out []string
	switch v := c.at(name).(type) {
	case string:
		out = append(out, v)
	case bool:
		out = append(out, strconv.FormatBool(v))
	case float64:
		out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// roles returns a claim's roles: those of a list, of text with commas, or of text
// that holds a list as JSON.
func (c claims) roles(name string) []string {
	s, ok := c.at(name).(string)
	if !ok {
		return c.texts(name)
	}
	var list []string
	if strings.HasPrefix(strings.TrimSpace(s), "[") && json.Unmarshal([]byte(s), &list) == nil {
		return list
	}
	return strings.Split(s, ",")
}
