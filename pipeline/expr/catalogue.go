package expr

import (
	"slices"
	"strings"
)

// Type describes one type whose methods expressions may call, for the
// documentation and the editor's completion.
type Type struct {
	// Name is the Java type; those that T() and new accept have their full name.
	Name string
	// Named says that T(), new and instanceof may name the type.
	Named bool
	// Constructors, Static and Methods list signatures: substring(int,int).
	Constructors, Static, Methods []string
}

// Types lists the types that expressions may use and what each offers, sorted by
// name. What the type filter hides, such as map.get, is not there.
func Types() []Type {
	named := map[string]string{}
	for full, class := range allowedTypes {
		named[class] = full
	}
	var out []Type
	for class, byName := range methodTable {
		t := Type{Name: class}
		if full, ok := named[class]; ok {
			t.Name, t.Named = full, true
		}
		for _, ms := range byName {
			for _, m := range ms {
				if m.static {
					t.Static = append(t.Static, m.signature())
				} else {
					t.Methods = append(t.Methods, m.signature())
				}
			}
		}
		for _, k := range constructorTable[class] {
			t.Constructors = append(t.Constructors, k.signature())
		}
		slices.Sort(t.Static)
		slices.Sort(t.Methods)
		slices.Sort(t.Constructors)
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Type) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (m *method) signature() string {
	params := slices.Clone(m.params)
	if m.varargs {
		last := len(params) - 1
		params[last] = strings.TrimSuffix(params[last], "[]") + "..."
	}
	return m.name + "(" + strings.Join(params, ",") + ")"
}
