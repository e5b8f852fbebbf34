package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/activities/artifacts"
	"github.com/gennaker/gennaker/activities/clouddriver"
	"github.com/gennaker/gennaker/activities/webhook"
	"github.com/gennaker/gennaker/cli"
)

// configFile is a parsed configuration file. Its keys are the flags' names, with
// the parts before a dash written as nested objects or not, as one likes:
//
//	temporal:
//	  address: temporal.example:7233
//	log-format: json
//	kubernetes:
//	  accounts:
//	    - name: prod
//	      kubeconfigFile: /etc/gennaker/prod.yaml
//
// One file serves every role; each takes the keys it knows.
type configFile struct {
	path   string
	values map[string]any
	// kubernetes is the section of that name, notes what of it was passed over.
	kubernetes clouddriver.ProviderSettings
	notes      []string
	text       []byte
	// webhooks holds the lists under webhook; see its documentation.
	webhooks webhook.Config
	// artifacts holds the accounts under artifacts; see its documentation.
	artifacts map[string][]artifacts.Account
}

// findConfigFile reads the file that --config or GENNAKER_CONFIG names. Without
// either it is empty.
func findConfigFile(args []string, env func(string) (string, bool)) (*configFile, error) {
	path, _ := env("GENNAKER_CONFIG")
	for i, a := range args {
		switch {
		case a == "--config" && i+1 < len(args):
			path = args[i+1]
		case strings.HasPrefix(a, "--config="):
			path = strings.TrimPrefix(a, "--config=")
		}
	}
	if path == "" {
		return &configFile{}, nil
	}
	return readConfigFile(path)
}

func readConfigFile(path string) (*configFile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	var doc map[string]any
	if err := yaml.UnmarshalStrict(raw, &doc); err != nil {
		return nil, fmt.Errorf("configuration file %s is not YAML: %w", path, err)
	}
	f := &configFile{path: path, text: raw, values: map[string]any{}}
	if f.kubernetes, f.notes, err = kubernetesOf(doc, path); err != nil {
		return nil, err
	}
	delete(doc, "kubernetes")
	if err := f.readWebhooks(doc); err != nil {
		return nil, err
	}
	if err := f.readArtifacts(doc); err != nil {
		return nil, err
	}
	flatten(doc, "", f.values)
	return f, nil
}

// kubernetesOf reads the section kubernetes of a document.
func kubernetesOf(doc map[string]any, path string) (clouddriver.ProviderSettings, []string, error) {
	section, ok := doc["kubernetes"].(map[string]any)
	if !ok && doc["kubernetes"] != nil {
		return clouddriver.ProviderSettings{}, nil, fmt.Errorf("configuration file %s: kubernetes is not an object", path)
	}
	settings, notes, err := clouddriver.ParseProvider(section)
	if err != nil {
		return settings, nil, fmt.Errorf("configuration file %s: %w", path, err)
	}
	return settings, notes, nil
}

// readWebhooks takes the lists about webhooks out of the document; what remains
// is settings.
func (f *configFile) readWebhooks(doc map[string]any) error {
	section, ok := doc["webhook"].(map[string]any)
	if !ok {
		return nil
	}
	lists := map[string]any{}
	for _, key := range []string{"accounts", "allowedRequestsEnabled", "allowedRequests", "preconfigured"} {
		if v, present := section[key]; present {
			lists[key] = v
			delete(section, key)
		}
	}
	raw, err := yaml.Marshal(lists)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(raw, &f.webhooks); err != nil {
		return fmt.Errorf("configuration file %s: webhook: %w", f.path, err)
	}
	for _, w := range f.webhooks.Preconfigured {
		if err := w.Validate(); err != nil {
			return fmt.Errorf("configuration file %s: webhook.preconfigured: %w", f.path, err)
		}
	}
	return nil
}

// readArtifacts takes the accounts of artifacts out of the document. Its other
// keys are settings.
func (f *configFile) readArtifacts(doc map[string]any) error {
	all, ok := doc["artifacts"].(map[string]any)
	if !ok {
		return nil
	}
	sections, settings := map[string]any{}, map[string]any{}
	for key, v := range all {
		if _, isSetting := artifactSettings[key]; isSetting {
			settings[key] = v
			continue
		}
		sections[key] = v
	}
	doc["artifacts"] = settings
	var err error
	if f.artifacts, err = artifacts.ReadAccounts(sections); err != nil {
		return fmt.Errorf("configuration file %s: %w", f.path, err)
	}
	return nil
}

// artifactSettings are the keys below artifacts that are settings, not kinds of
// accounts.
var artifactSettings = map[string]struct{}{
	"max-bytes": {}, "max-unpacked": {}, "max-files": {}, "timeout": {}, "at-once": {}, "max": {}, "at": {},
}

// flatten joins the keys of nested objects by dashes, as flags are written.
func flatten(v any, prefix string, into map[string]any) {
	m, ok := v.(map[string]any)
	if !ok {
		into[prefix] = v
		return
	}
	for k, e := range m {
		if prefix != "" {
			k = prefix + "-" + k
		}
		flatten(e, k, into)
	}
}

var _ kong.Resolver = (*configFile)(nil)

// Validate implements kong.Resolver: a key that no command knows is refused,
// since a misspelt one would be passed over in silence.
func (f *configFile) Validate(app *kong.Application) error {
	var known []string
	var walk func(n *kong.Node, typed bool)
	walk = func(n *kong.Node, typed bool) {
		for _, flag := range n.Flags {
			if !typed || ofServers(flag) {
				known = append(known, flag.Name)
			}
		}
		for _, c := range n.Children {
			walk(c, typed || cli.IsCommand(c.Name))
		}
	}
	walk(app.Node, false)
	var faults []error
	for key := range f.values {
		if !slices.Contains(known, key) {
			faults = append(faults, fmt.Errorf("configuration file %s: the key %q is not known", f.path, key))
		}
	}
	return errors.Join(faults...)
}

// Resolve implements kong.Resolver.
func (f *configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	// The environment wins over the file, which kong asks first.
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	v, present := f.values[flag.Name]
	if !present {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(v), nil
}
