package fiat

// Principal is who sent a request, as sign-in found out.
type Principal struct {
	// Name is the user's name, [Anonymous] when nobody is known.
	Name string
	// Email, FirstName and LastName are shown to people; empty when not known.
	Email, FirstName, LastName string
	// Roles are those that came with the sign-in, such as an OIDC claim's. What
	// sources of roles know is not among them.
	Roles []string
	// Mode says how the caller signed in, for the audit log: none, basic, oidc, ldap,
	// x509, header or token.
	Mode string
	// TokenID names the API token that was shown; empty when none was.
	TokenID string
	// Scopes bound what an API token may be used for; empty is everything that its
	// user may do.
	Scopes []Authorization
}
