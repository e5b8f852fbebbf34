package signin

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker/fiat"
	"github.com/gennaker/gennaker/pipeline"
)

// certificates takes callers from client certificates.
type certificates struct {
	subject  *regexp.Regexp // nil takes the e-mail address
	roleOID  asn1.ObjectIdentifier
	required []string
}

func newCertificates(c X509Config) *certificates {
	out := &certificates{required: fiat.RolesOf(c.RequiredRoles...)}
	// The configuration was validated, so nothing here fails.
	if c.SubjectRegex != "" {
		out.subject = regexp.MustCompile(c.SubjectRegex)
	}
	if c.RoleOID != "" {
		out.roleOID, _ = parseOID(c.RoleOID)
	}
	return out
}

// identify finds a caller by a certificate that was verified. One without a user
// that can be told counts as none.
func (c *certificates) identify(r *http.Request) (fiat.Principal, bool, error) {
	// What was not verified says nothing, whoever shows it.
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return fiat.Principal{}, false, nil
	}
	p, err := c.principal(r.TLS.PeerCertificates[0])
	return p, err == nil && p.Name != "", err
}

func (c *certificates) principal(cert *x509.Certificate) (fiat.Principal, error) {
	p := fiat.Principal{Mode: ModeX509}
	if len(cert.EmailAddresses) > 0 {
		p.Email = cert.EmailAddresses[0]
	}
	p.Name = p.Email
	if c.subject != nil {
		p.Name = ""
		if m := c.subject.FindStringSubmatch(distinguishedName(cert.Subject)); m != nil {
			p.Name = strings.TrimSpace(m[1])
		}
	}
	if p.Name == "" {
		return fiat.Principal{}, nil
	}
	if c.roleOID != nil {
		for _, e := range cert.Extensions {
			if e.Id.Equal(c.roleOID) {
				p.Roles = append(p.Roles, parseRoles(e.Value)...)
			}
		}
	}
	p, err := named(p)
	if err == nil && len(c.required) > 0 && !slices.ContainsFunc(c.required, func(role string) bool { return slices.Contains(p.Roles, role) }) {
		return fiat.Principal{}, pipeline.Errorf(pipeline.CodeUnauthenticated, "The certificate of %q has none of the roles %s.", p.Name, strings.Join(c.required, ", "))
	}
	return p, err
}

// parseRoles reads the extension with the roles: text in DER or as it is, a role
// each line. What is no text holds no roles.
func parseRoles(value []byte) []string {
	text := string(value)
	var decoded asn1.RawValue
	if rest, err := asn1.Unmarshal(value, &decoded); err == nil && len(rest) == 0 && decoded.Class == asn1.ClassUniversal && !decoded.IsCompound {
		switch decoded.Tag {
		case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagT61String, asn1.TagOctetString:
			text = string(decoded.Bytes)
		default:
			return nil
		}
	}
	if !utf8.ValidString(text) {
		return nil
	}
	return fiat.RolesOf(strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == '\r' })...)
}

// distinguishedName writes a subject as Java does, whose regular expressions people
// bring along: the most specific first, separated by comma and space. It is empty
// for a subject with a value that could be taken for several.
func distinguishedName(name pkix.Name) string {
	words := map[string]string{
		"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.9": "STREET",
		"1.2.840.113549.1.9.1": "EMAILADDRESS", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID", "2.5.4.5": "SERIALNUMBER",
	}
	var parts []string
	for _, n := range slices.Backward(name.Names) {
		word, ok := words[n.Type.String()]
		if !ok {
			word = "OID." + n.Type.String()
		}
		value := fmt.Sprint(n.Value)
		if strings.ContainsAny(value, "=\n") {
			return ""
		}
		if strings.ContainsAny(value, `,+<>#;\"`) {
			value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
		}
		parts = append(parts, word+"="+value)
	}
	return strings.Join(parts, ", ")
}

func parseOID(text string) (asn1.ObjectIdentifier, error) {
	var out asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		const bits = 31
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return nil, err
		}
		out = append(out, int(n))
	}
	if len(out) < 2 {
		return nil, errors.New("it has fewer than two numbers")
	}
	return out, nil
}
