package expr

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/pipeline"
)

const (
	typeJSONParse  = "com.fasterxml.jackson.core.JsonParseException"
	typeJSONInput  = "com.fasterxml.jackson.databind.exc.MismatchedInputException"
	typeYAMLParser = "org.yaml.snakeyaml.parser.ParserException"
)

// notEvaluable is the wrapper of #doNotEval.
type notEvaluable struct{ value any }

var documentFunctions = []Function{
	{
		Name: "toJson", Params: []Param{{"value", "Object", "What to write"}}, Returns: "String",
		Doc:     "Writes a value as compact JSON. It is an error when the JSON contains ${, unless the value is wrapped by #doNotEval.",
		Example: "${#toJson({'a': {1, true}})}", ExampleResult: `"{\"a\":[1,true]}"`,
		fn: func(c *call) (any, *Error) {
			v := c.args[0]
			if w, ok := v.(*notEvaluable); ok {
				text, err := c.ev.jsonText(w.value)
				return text, wrapToJSON(c, err)
			}
			text, err := c.ev.jsonText(v)
			if err == nil && strings.Contains(text, "${") {
				e := helperError("result for toJson cannot contain an expression")
				e.Hint = "Wrap the value: #toJson(#doNotEval(value))."
				err = e
			}
			return text, wrapToJSON(c, err)
		},
	},
	{
		Name: "doNotEval", Params: []Param{{"value", "Object", "What to wrap"}}, Returns: "NotEvaluableExpression",
		Doc:     "Wraps a value so that #toJson writes it even when it contains ${.",
		Example: "${#toJson(#doNotEval({'a': '$' + '{b}'})).length()}", ExampleResult: "12",
		fn: func(c *call) (any, *Error) { return &notEvaluable{c.args[0]}, nil },
	},
	{
		Name: "readJson", Params: []Param{{"value", "String", "JSON text"}}, Returns: "Map or List",
		Doc:     "Reads JSON: a text that starts with [ as a list, everything else as a map. Bad JSON is an error.",
		Example: `${#readJson('{"region": "eu"}')['region']}`, ExampleResult: `"eu"`,
		fn: func(c *call) (any, *Error) { return c.ev.readJSON(c.args[0]) },
	},
	{
		Name: "readYaml", Params: []Param{{"value", "String", "YAML text with one document"}}, Returns: "the document",
		Doc:     "Reads one YAML document. Several documents and custom tags are errors.",
		Example: "${#readYaml('replicas: 3').replicas}", ExampleResult: "3",
		fn: func(c *call) (any, *Error) { return c.ev.readYAML(c.args[0]) },
	},
	{
		Name: "readAllYaml", Params: []Param{{"value", "String", "YAML text"}}, Returns: "List of documents",
		Doc:     "Reads all documents of a YAML text.",
		Example: "${#readAllYaml(parameters.manifests).size()}", ExampleResult: "2",
		fn: func(c *call) (any, *Error) {
			if c.args[0] == nil {
				return nil, failed("#readAllYaml(null) failed", javaError(typeNullPointer, "null"))
			}
			docs, err := c.ev.parseYAML(c.str(0))
			if err != nil {
				return nil, failed("#readAllYaml("+c.str(0)+") failed", err)
			}
			return newList(docs), nil
		},
	},
	{
		Name: "fromUrl", Params: []Param{{"url", "String", "An http or https URL"}}, Returns: "String", Fetches: true,
		Doc:     "Gets the text at a URL. Hosts without a dot, localhost, literal and link-local addresses and the internal domains are refused.",
		Example: "${#fromUrl('https://example.com/version.txt')}", ExampleResult: `"1.4.2"`,
		fn: func(c *call) (any, *Error) { return c.ev.fromURL(c.args[0]) },
	},
	{
		Name: "jsonFromUrl", Params: []Param{{"url", "String", "An http or https URL"}}, Returns: "Map or List", Fetches: true,
		Doc:     "Gets and reads JSON, as #fromUrl and #readJson do.",
		Example: "${#jsonFromUrl('https://example.com/release.json').version}", ExampleResult: `"1.4.2"`,
		fn: func(c *call) (any, *Error) {
			text, err := c.ev.fromURL(c.args[0])
			if err != nil {
				return nil, err
			}
			return c.ev.readJSON(text)
		},
	},
	{
		Name: "yamlFromUrl", Params: []Param{{"url", "String", "An http or https URL"}}, Returns: "the document", Fetches: true,
		Doc:     "Gets and reads YAML, as #fromUrl and #readYaml do.",
		Example: "${#yamlFromUrl('https://example.com/values.yaml').image.tag}", ExampleResult: `"1.4.2"`,
		fn: func(c *call) (any, *Error) {
			text, err := c.ev.fromURL(c.args[0])
			if err != nil {
				return nil, err
			}
			return c.ev.readYAML(text)
		},
	},
	{
		Name: "propertiesFromUrl", Params: []Param{{"url", "String", "An http or https URL"}}, Returns: "Map of texts", Fetches: true,
		Doc:     "Gets and reads a Java properties file.",
		Example: "${#propertiesFromUrl('https://example.com/build.properties')['build.version']}", ExampleResult: `"1.4.2"`,
		fn: func(c *call) (any, *Error) {
			text, err := c.ev.fromURL(c.args[0])
			if err != nil {
				return nil, failed("#propertiesFromUrl("+display(c.args[0])+") failed", err)
			}
			m, err := readProperties(text.(string))
			if err != nil {
				return nil, failed("#propertiesFromUrl("+c.str(0)+") failed", err)
			}
			return m, nil
		},
	},
}

func wrapToJSON(c *call, err *Error) *Error {
	if err == nil {
		return nil
	}
	text := display(c.args[0])
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return failed("#toJson("+strings.ToValidUTF8(text, "")+") failed", err)
}

// fromURL is the text at a URL that the rules allow.
func (ev *evaluator) fromURL(arg any) (any, *Error) {
	text, ok := arg.(string)
	if !ok {
		return nil, failed("#from(null) failed", javaError(typeNullPointer, "null"))
	}
	check := ev.env.CheckURL
	if check == nil {
		check = CheckURL
	}
	if err := check(text); err != nil {
		var cause *Error
		if !errors.As(err, &cause) {
			cause = javaError(typeIllegalArg, err.Error())
		}
		return nil, failed("#from("+text+") failed", cause)
	}
	v, err := ev.fetch(Request{Kind: FetchURL, URL: text})
	if err != nil {
		return nil, failed("#from("+text+") failed", err)
	}
	s, _ := v.(string)
	return s, nil
}

func (ev *evaluator) readJSON(arg any) (any, *Error) {
	text, ok := arg.(string)
	if !ok {
		return nil, failed("#readJson(null) failed", javaError(typeNullPointer, "null"))
	}
	v, err := ev.parseJSON(text)
	if err == nil && v != nil {
		_, isList := v.(*list)
		if _, isMap := asMapping(v); !isMap && (!isList || !strings.HasPrefix(text, "[")) {
			err = javaError(typeJSONInput, "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.Object,java.lang.Object>` from "+className(v))
		}
	}
	if err != nil {
		return nil, failed("#readJson("+text+") failed", err)
	}
	return v, nil
}

// parseJSON reads the first JSON value of text; maps keep the order of their
// keys.
func (ev *evaluator) parseJSON(text string) (any, *Error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := ev.jsonValue(dec, 0)
	if err == nil {
		return v, nil
	}
	var own *Error
	if errors.As(err, &own) {
		return nil, own
	}
	if errors.Is(err, io.EOF) {
		if strings.TrimSpace(text) == "" {
			return nil, javaError(typeJSONInput, "No content to map due to end-of-input")
		}
		return nil, javaError("com.fasterxml.jackson.core.io.JsonEOFException", "Unexpected end-of-input at character "+strconv.Itoa(utf8.RuneCountInString(text)))
	}
	return nil, javaError(typeJSONParse, err.Error()+" near character "+strconv.FormatInt(dec.InputOffset(), 10))
}

func (ev *evaluator) jsonValue(dec *json.Decoder, depth int) (any, error) {
	if depth > pipeline.MaxDepth {
		return nil, boundError("nesting depth", pipeline.MaxDepth, "The JSON is nested too deeply")
	}
	if err := ev.work(1); err != nil {
		return nil, err
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '[' {
			items := []any{}
			for dec.More() {
				v, err := ev.jsonValue(dec, depth+1)
				if err != nil {
					return nil, err
				}
				items = append(items, v)
			}
			_, err := dec.Token()
			return newList(items), err
		}
		m := newOrderedMap()
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := ev.jsonValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			m.put(key.(string), v)
		}
		_, err := dec.Token()
		return m, err
	case json.Number:
		s := t.String()
		if !strings.ContainsAny(s, ".eE") {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return normal(n), nil
			}
			return normal(t), nil
		}
		f, _ := parseJavaDouble(s)
		return f, nil
	}
	return tok, nil
}

func (ev *evaluator) readYAML(arg any) (any, *Error) {
	text, ok := arg.(string)
	if !ok {
		return nil, failed("#readYaml(null) failed", javaError(typeNullPointer, "null"))
	}
	docs, err := ev.parseYAML(text)
	if err == nil && len(docs) > 1 {
		err = javaError("org.yaml.snakeyaml.composer.ComposerException", "expected a single document in the stream but found another document")
		err.Hint = "Use #readAllYaml."
	}
	if err != nil {
		return nil, failed("#readYaml("+text+") failed", err)
	}
	if len(docs) == 0 {
		return nil, nil
	}
	return docs[0], nil
}

// readProperties reads Java's properties format.
func readProperties(text string) (any, *Error) {
	m := newOrderedMap()
	lines := strings.FieldsFunc(strings.ReplaceAll(text, "\r\n", "\n"), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := 0; i < len(lines); i++ {
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for endsInBackslash(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], " \t\f")
		}
		if endsInBackslash(line) {
			line = line[:len(line)-1]
		}
		end := 0
		for end < len(line) && !strings.ContainsRune("=: \t\f", rune(line[end])) {
			if line[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(line))
		rest := strings.TrimLeft(line[end:], " \t\f")
		if rest != "" && (rest[0] == '=' || rest[0] == ':') {
			rest = strings.TrimLeft(rest[1:], " \t\f")
		}
		key, err := unescapeProperty(line[:end])
		if err != nil {
			return nil, err
		}
		value, err := unescapeProperty(rest)
		if err != nil {
			return nil, err
		}
		m.put(key, value)
	}
	return m, nil
}

func endsInBackslash(line string) bool {
	n := len(line) - len(strings.TrimRight(line, `\`))
	return n%2 == 1
}

func unescapeProperty(s string) (string, *Error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+4 >= len(s) {
				return "", javaError(typeIllegalArg, `Malformed \uxxxx encoding.`)
			}
			n, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", javaError(typeIllegalArg, `Malformed \uxxxx encoding.`)
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}
