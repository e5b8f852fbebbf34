package gate

import "net/http"

// user is the caller as clients read it (reference: gate section 3).
type user struct {
	Email                 string      `json:"email"`
	Username              string      `json:"username"`
	FirstName             *string     `json:"firstName"`
	LastName              *string     `json:"lastName"`
	Roles                 []string    `json:"roles"`
	AllowedAccounts       []string    `json:"allowedAccounts"`
	Authorities           []authority `json:"authorities"`
	AccountNonExpired     bool        `json:"accountNonExpired"`
	AccountNonLocked      bool        `json:"accountNonLocked"`
	CredentialsNonExpired bool        `json:"credentialsNonExpired"`
	Enabled               bool        `json:"enabled"`
	IsAdmin               bool        `json:"isAdmin"`
	CanMintAPITokens      bool        `json:"canMintApiTokens"`
}

type authority struct {
	Authority string `json:"authority"`
}

// getUser never refuses: Deck asks it to learn whether anybody is logged in.
func getUser(r *request) error {
	accounts, err := r.accountNames()
	if err != nil {
		return err
	}
	return r.answer(http.StatusOK, user{
		Email: r.caller.User, Username: r.caller.User,
		Roles: []string{}, AllowedAccounts: accounts, Authorities: []authority{},
		AccountNonExpired: true, AccountNonLocked: true, CredentialsNonExpired: true, Enabled: true,
	})
}

type message struct {
	Message string `json:"message"`
}

func getLoggedOut(r *request) error {
	return r.answer(http.StatusOK, message{Message: "You are logged out."})
}
