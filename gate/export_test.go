package gate

// Rule is what a route of the table needs, for the matrix of permissions.
type Rule struct {
	Method, Path, Words string
	// Kind is the word for what is checked.
	Kind, Needs string
	Stream      bool
}

// Rules returns those of all routes.
func Rules() []Rule {
	words := map[permissionKind]string{
		openToAll: "open", signedIn: "signedIn", onApplication: "application", onExecution: "execution", onAccount: "account",
		onJobs: "jobs", accountManagers: "accountManagers", administrators: "administrators",
	}
	var out []Rule
	for _, rt := range routes() {
		out = append(out, Rule{rt.Method, rt.Path, rt.Auth.words, words[rt.Auth.kind], string(rt.Auth.needs), rt.Stream})
	}
	return out
}
