// Package ldapdir asks an LDAP directory who somebody is: it checks passwords and
// reads groups, in the terms of Spinnaker's LDAP settings.
package ldapdir

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/gennaker/gennaker/internal/secret"
	"github.com/gennaker/gennaker/pipeline"
)

// Config says how to ask the directory. The tags make it a group of command line
// flags and environment variables.
type Config struct {
	// URL is ldap:// or ldaps://, with the base of all names as its path.
	URL string `name:"url" help:"Address of the directory with the base of all names, for example ldaps://ldap.example.com/dc=example,dc=com." placeholder:"URL"`
	// StartTLS turns TLS on after connecting.
	StartTLS bool `name:"start-tls" help:"Turn TLS on after connecting to an ldap:// address."`
	// CAFile holds the authorities of the directory's certificate.
	CAFile string `name:"ca-file" type:"path" help:"File of the authorities of the directory's certificate, besides the machine's." placeholder:"FILE"`
	// ManagerDN and ManagerPassword read what users may not; the password is a
	// reference to a secret.
	ManagerDN       string `name:"manager-dn" help:"Name of an entry that may search users and groups. Without it a user's own sign-in reads the groups, and nothing can be asked between sign-ins."`
	ManagerPassword string `name:"manager-password" help:"Reference to its password (file:/path or env:NAME)." placeholder:"REF"`
	// UserDNPattern makes a user's name the name of an entry; {0} is the user.
	UserDNPattern string `name:"user-dn-pattern" help:"Name of a user's entry below the base, {0} being the user: uid={0},ou=people." placeholder:"PATTERN"`
	// UserSearchBase and UserSearchFilter find the entry instead.
	UserSearchBase   string `name:"user-search-base" help:"Where below the base users are searched, in place of the pattern."`
	UserSearchFilter string `name:"user-search-filter" help:"Filter that finds a user, {0} being the user: (uid={0})." placeholder:"FILTER"`
	// Group settings; {0} is the name of the user's entry, {1} the user.
	GroupSearchBase   string `name:"group-search-base" help:"Where below the base groups are searched, which are a user's roles; empty reads none." placeholder:"DN"`
	GroupSearchFilter string `name:"group-search-filter" default:"(uniqueMember={0})" help:"Filter that finds a user's groups, {0} being the name of the user's entry and {1} the user."`
	GroupRole         string `name:"group-role-attribute" default:"cn" help:"Attribute of a group that is the role. ROLE_ before it is left out."`
	// Timeout bounds each exchange.
	Timeout time.Duration `default:"5s" help:"Longest wait for the directory."`
}

// Person is somebody whom the directory knows.
type Person struct {
	Email, FirstName, LastName string
	Roles                      []string
}

// Directory is a directory. It opens a connection for each question, so that
// nothing has to be mended after a break. It is safe for concurrent use.
type Directory struct {
	config   Config
	base     string
	password string
	tls      *tls.Config
}

const (
	// maxName bounds a user's name, in bytes.
	maxName = 250
	// maxGroups bounds the groups that are read, pageSize those of one answer.
	maxGroups = 10_000
	pageSize  = 500
)

// Open checks a configuration and resolves its secret. It asks nothing.
func Open(ctx context.Context, c Config) (*Directory, error) {
	fault := func(format string, args ...any) (*Directory, error) {
		return nil, fmt.Errorf("auth-ldap: "+format, args...)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Host == "" {
		return fault("url is %q: use ldap://host:port/base or ldaps://host:port/base", c.URL)
	}
	if c.StartTLS && u.Scheme == "ldaps" {
		return fault("start-tls is set with an ldaps:// address, which has TLS already: leave one of them out")
	}
	if (c.UserDNPattern == "") == (c.UserSearchFilter == "") {
		return fault("set either user-dn-pattern or user-search-filter")
	}
	for name, pattern := range map[string]string{"user-dn-pattern": c.UserDNPattern, "user-search-filter": c.UserSearchFilter} {
		if pattern != "" && !strings.Contains(pattern, "{0}") {
			return fault("%s is %q, which lacks {0} for the user's name", name, pattern)
		}
	}
	if c.GroupSearchFilter == "" {
		c.GroupSearchFilter = "(uniqueMember={0})"
	}
	if c.GroupRole == "" {
		c.GroupRole = "cn"
	}
	if c.Timeout <= 0 {
		const patience = 5 * time.Second
		c.Timeout = patience
	}
	for name, filter := range map[string]string{"user-search-filter": c.UserSearchFilter, "group-search-filter": c.GroupSearchFilter} {
		if filter == "" {
			continue
		}
		if _, err := ldap.CompileFilter(fill(filter, ldap.EscapeFilter, "x", "x")); err != nil {
			return fault("%s is %q: %w", name, filter, err)
		}
	}
	d := &Directory{config: c, base: strings.TrimPrefix(u.Path, "/"), tls: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	for name, dn := range map[string]string{"url": d.base, "manager-dn": c.ManagerDN, "user-search-base": c.UserSearchBase, "group-search-base": c.GroupSearchBase} {
		if _, err := ldap.ParseDN(dn); err != nil {
			return fault("%s holds %q, which is no distinguished name: %w", name, dn, err)
		}
	}
	if c.ManagerDN != "" && c.ManagerPassword == "" {
		return fault("manager-dn is set without manager-password")
	}
	if d.password, err = secret.Resolve(ctx, c.ManagerPassword); err != nil {
		return fault("manager-password: %w", err)
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return fault("ca-file: %w", err)
		}
		if d.tls.RootCAs, err = x509.SystemCertPool(); err != nil {
			d.tls.RootCAs = x509.NewCertPool()
		}
		if !d.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fault("ca-file %s holds no certificate", c.CAFile)
		}
	}
	return d, nil
}

// Answers reports whether roles can be asked between sign-ins.
func (d *Directory) Answers() bool { return d.config.ManagerDN != "" }

// Check signs somebody in.
//
// Errors: unauthenticated, the same for a wrong name and a wrong password;
// unavailable for everything else.
func (d *Directory) Check(ctx context.Context, user, password string) (Person, error) {
	// A password that is empty is an anonymous sign-in to LDAP, and succeeds.
	if user == "" || len(user) > maxName || password == "" {
		return Person{}, errWrong()
	}
	c, err := d.dial(ctx)
	if err != nil {
		return Person{}, err
	}
	defer c.close()
	dn, err := d.find(c, user)
	if err == nil && dn == "" {
		err = errWrong()
	}
	if err == nil {
		err = wrong(c.Bind(dn, password))
	}
	if err != nil {
		return Person{}, err
	}
	entry, err := c.entry(dn)
	if err != nil {
		return Person{}, err
	}
	p := Person{Email: entry.GetAttributeValue("mail"), FirstName: entry.GetAttributeValue("givenName"), LastName: entry.GetAttributeValue("sn")}
	if d.config.ManagerDN != "" {
		if err := d.bindManager(c); err != nil {
			return p, err
		}
	}
	p.Roles, err = d.groups(c, dn, user)
	return p, err
}

// Roles returns the groups of a user; none for one who is not in the directory.
// It needs a manager. Errors: unavailable.
func (d *Directory) Roles(ctx context.Context, user string) ([]string, error) {
	if user == "" || len(user) > maxName || d.config.GroupSearchBase == "" || !d.Answers() {
		return nil, nil
	}
	c, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	dn, err := d.find(c, user)
	if err != nil || dn == "" {
		return nil, err
	}
	if d.config.UserDNPattern != "" {
		if err := d.bindManager(c); err != nil {
			return nil, err
		}
	}
	return d.groups(c, dn, user)
}

// conn is a connection that ends with its context.
type conn struct {
	*ldap.Conn
	stop func() bool
}

func (c conn) close() {
	c.stop()
	_ = c.Conn.Close() // what was asked is answered
}

func (d *Directory) dial(ctx context.Context) (conn, error) {
	u, _ := url.Parse(d.config.URL) // it was checked
	l, err := ldap.DialURL(u.Scheme+"://"+u.Host, ldap.DialWithDialer(&net.Dialer{Timeout: d.config.Timeout}), ldap.DialWithTLSConfig(d.tls))
	if err != nil {
		return conn{}, unavailable(err)
	}
	l.SetTimeout(d.config.Timeout)
	c := conn{Conn: l, stop: context.AfterFunc(ctx, func() { _ = l.Close() })}
	if d.config.StartTLS {
		if err := l.StartTLS(d.tls); err != nil {
			c.close()
			return conn{}, unavailable(err)
		}
	}
	return c, nil
}

func (d *Directory) bindManager(c conn) error {
	if err := c.Bind(d.config.ManagerDN, d.password); err != nil {
		return pipeline.Wrap(pipeline.CodeUnavailable, err, "The directory does not let auth-ldap-manager-dn in: its password may have changed.")
	}
	return nil
}

// find returns the name of a user's entry, "" for nobody.
func (d *Directory) find(c conn, user string) (string, error) {
	if d.config.UserDNPattern != "" {
		return below(fill(d.config.UserDNPattern, ldap.EscapeDN, user, ""), d.base), nil
	}
	if d.config.ManagerDN != "" {
		if err := d.bindManager(c); err != nil {
			return "", err
		}
	}
	filter := fill(d.config.UserSearchFilter, ldap.EscapeFilter, user, "")
	const one = 2 // more are too many
	found, err := c.Search(ldap.NewSearchRequest(below(d.config.UserSearchBase, d.base), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, one, d.seconds(), false, filter, []string{"1.1"}, nil))
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return "", nil
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
		return "", nil
	case err != nil:
		return "", unavailable(err)
	case len(found.Entries) != 1:
		return "", nil // nobody, or more than one: neither can be who it is
	}
	return found.Entries[0].DN, nil
}

func (d *Directory) seconds() int { return max(1, int(d.config.Timeout.Seconds())) }

// entry reads what the entry of a user says; what may not be read is empty.
func (c conn) entry(dn string) (*ldap.Entry, error) {
	found, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"mail", "givenName", "sn"}, nil))
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights):
		return &ldap.Entry{}, nil
	case err != nil:
		return nil, unavailable(err)
	case len(found.Entries) != 1:
		return &ldap.Entry{}, nil
	}
	return found.Entries[0], nil
}

// groups returns the roles that a user's groups are.
func (d *Directory) groups(c conn, dn, user string) ([]string, error) {
	if d.config.GroupSearchBase == "" {
		return nil, nil
	}
	filter := fill(d.config.GroupSearchFilter, ldap.EscapeFilter, dn, user)
	request := ldap.NewSearchRequest(below(d.config.GroupSearchBase, d.base), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, maxGroups, d.seconds(), false, filter, []string{d.config.GroupRole}, nil)
	found, err := c.SearchWithPaging(request, pageSize)
	if err != nil {
		return nil, unavailable(err)
	}
	var out []string
	for _, e := range found.Entries {
		for _, name := range e.GetAttributeValues(d.config.GroupRole) {
			const prefix = "ROLE_"
			if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
				name = name[len(prefix):]
			}
			out = append(out, strings.ToLower(name))
		}
	}
	return out, nil
}

// fill puts values, escaped, into the places of a pattern.
func fill(pattern string, escape func(string) string, zero, one string) string {
	return strings.NewReplacer("{0}", escape(zero), "{1}", escape(one)).Replace(pattern)
}

func below(name, base string) string {
	switch {
	case name == "":
		return base
	case base == "":
		return name
	}
	return name + "," + base
}

// wrong tells a refused sign-in from a directory that cannot answer.
func wrong(err error) error {
	if err == nil {
		return nil
	}
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax,
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultConstraintViolation, ldap.ErrorEmptyPassword) {
		return errWrong()
	}
	return unavailable(err)
}

func errWrong() error {
	return pipeline.Errorf(pipeline.CodeUnauthenticated, "The user name or the password is wrong.")
}

func unavailable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return pipeline.Wrap(pipeline.CodeUnavailable, err, "The directory that knows people does not answer: try again.")
}
