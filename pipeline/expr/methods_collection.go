package expr

import "strconv"

func (c *call) items() []any {
	items, _ := elements(c.self)
	return items
}

// changeable returns the list to change: one that the expression made, and that
// Java lets change.
func (c *call) changeable() (*list, *Error) {
	own, err := c.ev.private(c.self)
	if err != nil {
		return nil, err
	}
	l, ok := own.(*list)
	if !ok || l.class != "ArrayList" {
		return nil, javaError(typeUnsupported, "null")
	}
	return l, c.ev.work(1)
}

func indexOfItem(items []any, v any) int {
	for i, e := range items {
		if javaEquals(e, v) {
			return i
		}
	}
	return -1
}

// change is a method of a collection that alters it and says whether it did.
func change(f func(items []any, arg any) []any) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		l, err := c.changeable()
		if err != nil {
			return nil, err
		}
		var arg any
		if len(c.args) > 0 {
			arg = c.args[0]
		}
		if err := c.ev.work(len(l.items)); err != nil {
			return nil, err
		}
		before := len(l.items)
		l.items = f(l.items, arg)
		return len(l.items) != before, nil
	}
}

func keep(items []any, ok func(any) bool) []any {
	out := make([]any, 0, len(items))
	for _, e := range items {
		if ok(e) {
			out = append(out, e)
		}
	}
	return out
}

var collectionMethods = methods{
	"size()":    func(c *call) (any, *Error) { return int32(len(c.items())), nil },
	"isEmpty()": func(c *call) (any, *Error) { return len(c.items()) == 0, nil },
	"contains(Object)": func(c *call) (any, *Error) {
		return indexOfItem(c.items(), c.args[0]) >= 0, c.ev.work(len(c.items()))
	},
	"containsAll(Collection)": func(c *call) (any, *Error) {
		if err := c.null(0); err != nil {
			return nil, err
		}
		wanted, _ := elements(c.args[0])
		if err := c.ev.work(len(wanted) * (1 + len(c.items()))); err != nil {
			return nil, err
		}
		for _, w := range wanted {
			if indexOfItem(c.items(), w) < 0 {
				return false, nil
			}
		}
		return true, nil
	},
	"add(Object)": change(func(items []any, v any) []any { return append(items, v) }),
	"addAll(Collection)": change(func(items []any, v any) []any {
		more, _ := elements(v)
		return append(items, more...)
	}),
	"remove(Object)": change(func(items []any, v any) []any {
		i := indexOfItem(items, v)
		if i < 0 {
			return items
		}
		return append(items[:i:i], items[i+1:]...)
	}),
	"removeAll(Collection)": change(func(items []any, v any) []any {
		gone, _ := elements(v)
		return keep(items, func(e any) bool { return indexOfItem(gone, e) < 0 })
	}),
	"retainAll(Collection)": change(func(items []any, v any) []any {
		kept, _ := elements(v)
		return keep(items, func(e any) bool { return indexOfItem(kept, e) >= 0 })
	}),
	"clear()": func(c *call) (any, *Error) {
		l, err := c.changeable()
		if err != nil {
			return nil, err
		}
		l.items = nil
		return nil, nil
	},
}

var listMethods = methods{
	"indexOf(Object)": func(c *call) (any, *Error) {
		return int32(indexOfItem(c.items(), c.args[0])), c.ev.work(len(c.items()))
	},
	"lastIndexOf(Object)": func(c *call) (any, *Error) {
		items := c.items()
		for i := len(items) - 1; i >= 0; i-- {
			if javaEquals(items[i], c.args[0]) {
				return int32(i), c.ev.work(len(items))
			}
		}
		return int32(-1), c.ev.work(len(items))
	},
	"subList(int,int)": func(c *call) (any, *Error) {
		from, to, n := c.int(0), c.int(1), len(c.items())
		switch {
		case from < 0:
			return nil, javaError(typeIndex, "fromIndex = "+strconv.Itoa(from))
		case to > n:
			return nil, javaError(typeIndex, "toIndex = "+strconv.Itoa(to))
		case from > to:
			return nil, javaError(typeIllegalArg, "fromIndex("+strconv.Itoa(from)+") > toIndex("+strconv.Itoa(to)+")")
		}
		return &list{items: c.items()[from:to:to], class: "SubList"}, nil
	},
	"add(int,Object)": func(c *call) (any, *Error) {
		l, err := c.changeable()
		if err != nil {
			return nil, err
		}
		i := c.int(0)
		if i < 0 || i > len(l.items) {
			return nil, javaError(typeIndex, "Index: "+strconv.Itoa(i)+", Size: "+strconv.Itoa(len(l.items)))
		}
		out := make([]any, 0, len(l.items)+1)
		l.items = append(append(append(out, l.items[:i]...), c.args[1]), l.items[i:]...)
		return nil, c.ev.work(len(l.items))
	},
	"sort(Comparator)": func(c *call) (any, *Error) {
		l, err := c.changeable()
		if err != nil {
			return nil, err
		}
		if c.args[0] != nil {
			return nil, javaError(typeClassCast, "not a java.util.Comparator")
		}
		return nil, sortItems(c.ev, l.items)
	},
}

// sortItems sorts in place, stably.
func sortItems(ev *evaluator, items []any) *Error {
	if err := ev.work(len(items) * 16); err != nil {
		return err
	}
	for i := 1; i < len(items); i++ {
		for j := i; j > 0; j-- {
			n, err := compare(normal(items[j-1]), normal(items[j]))
			if err != nil {
				return err
			}
			if err := ev.work(1); err != nil {
				return err
			}
			if n <= 0 {
				break
			}
			items[j-1], items[j] = items[j], items[j-1]
		}
	}
	return nil
}

// changeableMap is changeable for maps.
func (c *call) changeableMap() (*orderedMap, *Error) {
	own, err := c.ev.private(c.self)
	if err != nil {
		return nil, err
	}
	m, ok := own.(*orderedMap)
	if !ok || m.fixed {
		return nil, javaError(typeUnsupported, "null")
	}
	return m, c.ev.work(1)
}

func (c *call) mapping() mapping {
	m, _ := asMapping(c.self)
	return m
}

func (c *call) collect(class string, pick func(k, v any) any) (any, *Error) {
	m := c.mapping()
	items := make([]any, 0, m.size())
	m.entries(func(k, v any) bool {
		items = append(items, pick(k, v))
		return true
	})
	return &list{items: items, class: class}, c.ev.work(len(items))
}

var mapMethods = methods{
	"size()":    func(c *call) (any, *Error) { return int32(c.mapping().size()), nil },
	"isEmpty()": func(c *call) (any, *Error) { return c.mapping().size() == 0, nil },
	"containsKey(Object)": func(c *call) (any, *Error) {
		switch m := c.mapping().(type) {
		case *rootMap:
			name, _ := c.args[0].(string)
			_, ok := m.own(name)
			return ok, nil
		case *stageContext:
			name, _ := c.args[0].(string)
			_, ok := m.stage.Context[name]
			return ok, nil
		default:
			_, ok := m.lookup(c.args[0])
			return ok, nil
		}
	},
	"containsValue(Object)": func(c *call) (any, *Error) {
		found := false
		c.mapping().entries(func(_, v any) bool {
			found = javaEquals(v, c.args[0])
			return !found
		})
		return found, c.ev.weigh(c.self)
	},
	"keySet()": func(c *call) (any, *Error) { return c.collect("LinkedKeySet", func(k, _ any) any { return k }) },
	"values()": func(c *call) (any, *Error) { return c.collect("LinkedValues", func(_, v any) any { return v }) },
	"entrySet()": func(c *call) (any, *Error) {
		return c.collect("LinkedEntrySet", func(k, v any) any { return &mapEntry{k, v} })
	},
	"putAll(Map)": func(c *call) (any, *Error) {
		m, err := c.changeableMap()
		if err != nil {
			return nil, err
		}
		if err := c.null(0); err != nil {
			return nil, err
		}
		other, _ := asMapping(c.args[0])
		other.entries(func(k, v any) bool { m.put(k, v); return true })
		return nil, c.ev.weigh(c.args[0])
	},
	"clear()": func(c *call) (any, *Error) {
		m, err := c.changeableMap()
		if err != nil {
			return nil, err
		}
		m.keys, m.vals = nil, map[any]any{}
		return nil, nil
	},
	"remove(Object,Object)": func(c *call) (any, *Error) {
		m, err := c.changeableMap()
		if err != nil {
			return nil, err
		}
		v, ok := m.lookup(c.args[0])
		if !ok || !javaEquals(v, c.args[1]) {
			return false, nil
		}
		m.keys = keep(m.keys, func(k any) bool { return hashable(k) != hashable(c.args[0]) })
		delete(m.vals, hashable(c.args[0]))
		return true, c.ev.work(len(m.keys))
	},
	"replace(Object,Object,Object)": func(c *call) (any, *Error) {
		m, err := c.changeableMap()
		if err != nil {
			return nil, err
		}
		v, ok := m.lookup(c.args[0])
		if !ok || !javaEquals(v, c.args[1]) {
			return false, nil
		}
		m.put(c.args[0], c.args[2])
		return true, nil
	},
}
