package pipeline

import "strings"

// excerptBytes is how much of a value a message shows.
const excerptBytes = 100

// Excerpt is a value of a request as a message shows it: its JSON, cut after 100
// bytes.
func Excerpt(v any) string {
	text, err := EncodeValue(v)
	if err != nil {
		return "no JSON"
	}
	if len(text) > excerptBytes {
		return strings.ToValidUTF8(string(text[:excerptBytes]), "") + "…"
	}
	return string(text)
}
