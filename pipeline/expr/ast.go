package expr

// node is one node of a parsed expression.
type node interface {
	// position is the byte offset of the node in its expression.
	position() int
	// eval returns the node's value against the evaluator's active object.
	eval(ev *evaluator) (any, *Error)
}

type at int

func (a at) position() int { return int(a) }

type (
	literalNode struct {
		at
		value any
	}
	unaryNode struct {
		at
		op      string // + - !
		operand node
	}
	binaryNode struct {
		at
		op          string // + - * / % ^ == != < <= > >= instanceof matches between
		left, right node
	}
	logicNode struct {
		at
		or          bool
		left, right node
	}
	ternaryNode struct {
		at
		cond, then, other node
	}
	elvisNode struct {
		at
		value, other node
	}
	assignNode struct {
		at
		target, value node
	}
	stepNode struct { // ++ and --
		at
		dec, postfix bool
		operand      node
	}
	compoundNode struct {
		at
		parts []node
	}
	propertyNode struct {
		at
		name string
		safe bool
	}
	methodNode struct {
		at
		name string
		safe bool
		args []node
	}
	functionNode struct {
		at
		name string
		args []node
	}
	variableNode struct {
		at
		name string
	}
	indexNode struct {
		at
		safe  bool
		index node
	}
	selectionNode struct {
		at
		safe    bool
		variant byte // ? all, ^ first, $ last
		cond    node
	}
	projectionNode struct {
		at
		safe bool
		body node
	}
	listNode struct {
		at
		items    []node
		constant bool
	}
	mapNode struct {
		at
		entries  []node // key, value, key, value
		constant bool
	}
	typeNode struct {
		at
		name string
		dims int
	}
	constructorNode struct {
		at
		name string
		args []node
	}
	arrayNode struct {
		at
		name string
		dims []node // nil entries are empty brackets
		init *listNode
	}
	beanNode struct {
		at
		name string
	}
)

// isConstant reports whether a list or map literal's part makes the whole
// constant (and so unmodifiable): literals, negated numbers and constant lists
// and maps do.
func isConstant(n node) bool {
	switch n := n.(type) {
	case *literalNode:
		return true
	case *unaryNode:
		lit, ok := n.operand.(*literalNode)
		return ok && n.op == "-" && isNumber(lit.value)
	case *listNode:
		return n.constant
	case *mapNode:
		return n.constant
	}
	return false
}
