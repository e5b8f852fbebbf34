package expr

import (
	"slices"
	"strings"
)

// Param is one parameter of a helper function.
type Param struct {
	// Name and Type are as in the documentation; Type is a Java type: arguments are
	// converted to it.
	Name, Type string
	// Doc says what to pass.
	Doc string
}

// Function describes one helper function: the table is what the documentation
// and the editor's completion are made from.
type Function struct {
	// Name is written after #.
	Name string
	// Execution says that Spinnaker inserts the execution as first argument, which
	// users leave out; Params does not list it.
	Execution bool
	// Params are the parameters.
	Params []Param
	// Variadic says that the last parameter takes any number of arguments.
	Variadic bool
	// Returns is what the function gives, in words.
	Returns string
	// Doc says what it does and how it fails.
	Doc string
	// Fetches says that the function asks the outside world: its answer comes
	// through [NeedsFetch].
	Fetches bool
	// Example is a template, and ExampleResult its value as JSON, evaluated against
	// the sample execution of the documentation ([Sample]).
	Example, ExampleResult string

	fn func(c *call) (any, *Error)
}

// Signature is the function as a user writes it: #stage(String idOrName).
func (f Function) Signature() string {
	params := make([]string, len(f.Params))
	for i, p := range f.Params {
		params[i] = p.Type + " " + p.Name
		if f.Variadic && i == len(f.Params)-1 {
			params[i] = p.Type + "... " + p.Name
		}
	}
	return "#" + f.Name + "(" + strings.Join(params, ", ") + ")"
}

// Functions returns the table of helper functions, in the order in which the
// documentation lists them.
func Functions() []Function { return slices.Clone(functionTable) }

var functionTable []Function

var functionsByName map[string]*Function

// The table is filled here because its entries call back into the evaluator,
// which reads it.
func init() {
	functionTable = slices.Concat(textFunctions, documentFunctions, stageFunctions, artifactFunctions, lookupFunctions)
	functionsByName = make(map[string]*Function, len(functionTable))
	for i := range functionTable {
		functionsByName[functionTable[i].Name] = &functionTable[i]
	}
}

func (n *functionNode) eval(ev *evaluator) (any, *Error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer func() { ev.depth-- }()
	f := functionsByName[n.name]
	if f == nil || n.name == "doNotEval" && ev.env.DoNotEvalDisabled {
		e := evalError(elFunctionNotDefined, n.name).at(n.position())
		names := make([]string, 0, len(functionTable))
		for i := range functionTable {
			names = append(names, functionTable[i].Name)
		}
		e.Hint = suggestFrom(n.name, names, "")
		return nil, e
	}
	v, err := f.call(ev, n)
	if err != nil {
		return nil, err.at(n.position())
	}
	return v, nil
}

func (f *Function) call(ev *evaluator, n *functionNode) (any, *Error) {
	args := make([]any, 0, len(n.args))
	for _, a := range n.args {
		v, err := ev.in(ev.scope, a)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	want := len(f.Params)
	if f.Execution {
		want++
	}
	if len(args) != want && !f.Variadic {
		return nil, evalError(elFunctionArguments, f.Name, len(args), want)
	}
	c := &call{ev: ev}
	if f.Execution {
		e, ok := args[0].(*executionObject)
		if !ok {
			if args[0] != nil {
				return nil, cannotConvert(args[0], "PipelineExecution")
			}
			if f.Name == "currentStage" {
				return nil, evalError(elFunctionCall, f.Name, noStage).because(helperError(noStage))
			}
			e := evalError(elFunctionCall, f.Name, "null").because(javaError(typeNullPointer, "null"))
			e.Hint = "#" + f.Name + " needs an execution: it works in the stages of a pipeline only."
			return nil, e
		}
		c.self, args = e, args[1:]
	}
	m := method{params: make([]string, len(f.Params)), varargs: f.Variadic}
	for i, p := range f.Params {
		m.params[i] = p.Type
	}
	if f.Variadic {
		m.params[len(m.params)-1] += "[]"
	}
	passed, err := ev.passArguments(&m, args)
	if err != nil {
		return nil, err
	}
	c.args = passed
	v, err := f.fn(c)
	if err != nil {
		if err.fetch != nil || err.Bound != "" {
			return nil, err
		}
		return nil, evalError(elFunctionCall, f.Name, err.Message).because(err)
	}
	if s, ok := v.(string); ok {
		if err := ev.checkText(len(s)); err != nil {
			return nil, err
		}
	}
	return v, nil
}

const noStage = "An execution context is required for this function"

// failed is a helper's failure around the one that caused it.
func failed(message string, cause *Error) *Error {
	if cause.fetch != nil || cause.Bound != "" {
		return cause
	}
	return helperError(message).because(cause)
}
