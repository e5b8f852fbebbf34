package bake

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker/pipeline"
)

// kustomizationNames are those that Kustomize looks for.
var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// runKustomize does what "kustomize build" does.
func runKustomize(r Request) (Answer, error) {
	file, ok := within(strings.TrimLeft(r.Kustomize.File, "/"))
	if !ok {
		return Answer{}, pipeline.Errorf(pipeline.CodeInvalid, "The path '%s' of the kustomization file leaves the template.", r.Kustomize.File)
	}
	k := &kustomization{Request: r, files: map[string][]byte{}, seen: map[string]bool{}}
	if r.Directory {
		files, err := unpack(r.Template, "The repository", r.Limits)
		if err != nil {
			return Answer{}, err
		}
		k.files = files
		if _, there := files[file]; !there {
			return Answer{}, pipeline.Errorf(pipeline.CodeInvalid, "There is no file '%s' in the repository: set kustomizeFilePath to the kustomization file.", file)
		}
	} else {
		k.files[file] = r.Template
	}
	if err := k.look(path.Dir(file)); err != nil || len(k.needs) > 0 {
		return Answer{Needs: k.needs}, err
	}
	system := filesys.MakeFsInMemory()
	for name, data := range k.files {
		if err := system.WriteFile("/"+name, data); err != nil {
			return Answer{}, failed(err)
		}
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // as the command has it
	resources, err := krusty.MakeKustomizer(options).Run(system, path.Join("/", path.Dir(file)))
	if err != nil {
		return Answer{}, failed(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		return Answer{}, failed(err)
	}
	return Answer{Output: string(text)}, nil
}

// kustomization looks through the folders of one, before Kustomize does: it finds
// what is still missing, and keeps Kustomize from asking elsewhere for it.
type kustomization struct {
	Request
	files   map[string][]byte
	seen    map[string]bool
	needs   []Need
	remotes int
}

// maxFolders bounds the folders of one kustomization.
const maxFolders = 1000

func (k *kustomization) look(folder string) error {
	if k.seen[folder] {
		return nil
	}
	if k.seen[folder] = true; len(k.seen) > maxFolders {
		return pipeline.Errorf(pipeline.CodeTooLarge, "The kustomization spans more than %d folders.", maxFolders)
	}
	file, text := k.fileOf(folder)
	if file == "" {
		if k.Directory {
			return nil // Kustomize has words for it
		}
		k.needFile(folder, kustomizationPaths(folder)...)
		return nil
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return failed(pipeline.Errorf(pipeline.CodeFailed, "%s: %s", file, err))
	}
	for _, key := range []string{"resources", "bases", "components"} {
		list, _ := doc[key].([]any)
		for i, e := range list {
			entry, isText := e.(string)
			if !isText {
				continue
			}
			replaced, err := k.entry(folder, file, entry, true)
			if err != nil {
				return err
			}
			list[i] = replaced
		}
	}
	if err := k.others(folder, file, doc); err != nil {
		return err
	}
	if k.remotes == 0 {
		return nil
	}
	rewritten, err := yaml.Marshal(doc)
	if err != nil {
		return failed(err)
	}
	k.files[file] = rewritten
	return nil
}

// fileOf returns the kustomization file of a folder, "" when it is not there.
func (k *kustomization) fileOf(folder string) (string, []byte) {
	for _, name := range kustomizationPaths(folder) {
		if text, ok := k.files[name]; ok {
			return name, text
		}
	}
	if k.Directory {
		return "", nil
	}
	// The file that was handed in may have a name that is none of them.
	given := strings.TrimLeft(k.Kustomize.File, "/")
	if path.Dir(given) == folder {
		text := k.files[given]
		name := path.Join(folder, kustomizationNames[0])
		k.files[name] = text
		return name, text
	}
	if text, ok := k.Given[NeedFile+"\n"+folder]; ok {
		name := path.Join(folder, kustomizationNames[0])
		k.files[name] = text
		return name, text
	}
	return "", nil
}

func kustomizationPaths(folder string) []string {
	out := make([]string, len(kustomizationNames))
	for i, n := range kustomizationNames {
		out[i] = path.Join(folder, n)
	}
	return out
}

// entry looks at one that may be a file, a folder, or something elsewhere, and
// returns what is to stand in its place.
func (k *kustomization) entry(folder, file, entry string, mayBeFolder bool) (string, error) {
	where, inside := within(path.Join(folder, entry))
	if path.Join(folder, entry) == "." {
		where, inside = ".", true
	}
	if inside && !isRemote(entry) || inside && k.isThere(where) {
		return entry, k.local(where, mayBeFolder)
	}
	if !isRemote(entry) {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The file '%s' names '%s', which leaves the template.", file, entry)
	}
	if !k.Kustomize.Remote {
		return "", pipeline.Errorf(pipeline.CodeInvalid, "The file '%s' names '%s', which is elsewhere, and fetching from elsewhere is off: copy it into the repository, or let an operator set rosco-kustomize-remote.", file, entry)
	}
	return k.remote(folder, file, entry, mayBeFolder)
}

// local makes sure that a file or folder of the template is there.
func (k *kustomization) local(where string, mayBeFolder bool) error {
	if _, isFile := k.files[where]; isFile {
		return nil
	}
	if mayBeFolder && (k.isFolder(where) || !k.Directory && path.Ext(where) == "") {
		return k.look(where)
	}
	if k.Directory {
		return nil // Kustomize has words for it
	}
	if text, ok := k.Given[NeedFile+"\n"+where]; ok {
		k.files[where] = text
		return nil
	}
	k.needFile(where, where)
	return nil
}

func (k *kustomization) needFile(what string, paths ...string) {
	k.need(Need{Key: NeedFile + "\n" + what, Kind: NeedFile, Paths: paths})
}

func (k *kustomization) need(n Need) {
	if !slices.ContainsFunc(k.needs, func(have Need) bool { return have.Key == n.Key }) {
		k.needs = append(k.needs, n)
	}
}

func (k *kustomization) isThere(where string) bool {
	_, isFile := k.files[where]
	return isFile || k.isFolder(where)
}

func (k *kustomization) isFolder(where string) bool {
	if where == "." {
		return true
	}
	for name := range k.files {
		if strings.HasPrefix(name, where+"/") {
			return true
		}
	}
	return false
}

// remoteForms are how Kustomize writes what is elsewhere.
var remoteForms = regexp.MustCompile(`(?i)^(?:[a-z][a-z0-9+.-]*://|git::|gh:|[^/@:]+@[^/:]+:|github\.com[/:]|bitbucket\.org/|gitlab\.com/|git\.[a-z0-9.-]+/)|^[^/]+\.[a-z]{2,}/.+\.git(?:$|[/?])`)

func isRemote(entry string) bool { return remoteForms.MatchString(entry) }

// remote puts what is elsewhere into the template.
func (k *kustomization) remote(folder, file, entry string, mayBeFolder bool) (string, error) {
	n, subFolder := needOf(entry, mayBeFolder)
	n.By = file
	content, ok := k.Given[n.Key]
	if !ok {
		k.need(n)
		return entry, nil
	}
	k.remotes++
	place := "remote-" + strconv.Itoa(k.remotes)
	if n.Kind == NeedURL {
		// Kustomize takes files only from the folder itself.
		name := place + ".yaml"
		k.files[path.Join(folder, name)] = content
		return name, nil
	}
	files, err := unpack(content, "The repository "+n.Repository, k.Limits)
	if err != nil {
		return "", err
	}
	for name, data := range files {
		k.files[path.Join(place, name)] = data
	}
	if len(k.files) > k.Limits.Files {
		return "", pipeline.Errorf(pipeline.CodeTooLarge, "The kustomization and what it names elsewhere hold more than %d files.", k.Limits.Files)
	}
	target := path.Join(place, subFolder)
	if err := k.look(target); err != nil {
		return "", err
	}
	up := ""
	if folder != "." {
		up = strings.Repeat("../", strings.Count(folder, "/")+1)
	}
	return up + target, nil
}

// needOf reads an address in Kustomize's form: a file behind a URL, or a folder
// of a git repository, host/org/repo//folder?ref=version.
func needOf(entry string, mayBeFolder bool) (Need, string) {
	address := strings.TrimPrefix(entry, "git::")
	address, query, _ := strings.Cut(address, "?")
	isURL := strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://")
	ext := strings.ToLower(path.Ext(address))
	if isURL && !strings.Contains(address, ".git/") && (!mayBeFolder || slices.Contains([]string{".yaml", ".yml", ".json"}, ext)) {
		return Need{Key: NeedURL + "\n" + entry, Kind: NeedURL, Repository: entry}, ""
	}
	version := ""
	for part := range strings.SplitSeq(query, "&") {
		for _, name := range []string{"ref=", "version="} {
			if v, ok := strings.CutPrefix(part, name); ok {
				version = v
			}
		}
	}
	address = strings.TrimPrefix(address, "gh:")
	if strings.HasPrefix(entry, "gh:") {
		address = "github.com/" + address
	}
	scheme := ""
	if at := strings.Index(address, "://"); at >= 0 {
		scheme, address = address[:at+3], address[at+3:]
	}
	repository, folder, split := strings.Cut(address, "//")
	if !split {
		if at := strings.Index(address, ".git/"); at >= 0 {
			repository, folder = address[:at+4], address[at+5:]
		} else if parts := strings.SplitN(address, "/", 4); len(parts) == 4 && !strings.Contains(address, "@") {
			repository, folder = strings.Join(parts[:3], "/"), parts[3]
		}
	}
	if scheme == "" && !strings.Contains(repository, "@") {
		scheme = "https://"
	}
	repository = scheme + repository
	return Need{Key: strings.Join([]string{NeedGit, repository, version}, "\n"), Kind: NeedGit, Repository: repository, Version: version}, strings.Trim(folder, "/")
}

// others looks at the keys that name files, and never folders.
func (k *kustomization) others(folder, file string, doc map[string]any) error {
	one := func(holder map[string]any, key string) error {
		text, ok := holder[key].(string)
		if !ok || text == "" || strings.Contains(text, "\n") {
			return nil
		}
		replaced, err := k.entry(folder, file, text, false)
		holder[key] = replaced
		return err
	}
	many := func(holder map[string]any, key string) error {
		list, _ := holder[key].([]any)
		for i, e := range list {
			text, ok := e.(string)
			if !ok || strings.Contains(text, "\n") {
				continue // a patch in place
			}
			name, source, named := strings.Cut(text, "=")
			if !named || isRemote(text) {
				name, source = "", text
			}
			replaced, err := k.entry(folder, file, source, false)
			if err != nil {
				return err
			}
			if name != "" {
				replaced = name + "=" + replaced
			}
			list[i] = replaced
		}
		return nil
	}
	for _, key := range []string{"crds", "configurations", "patchesStrategicMerge"} {
		if err := many(doc, key); err != nil {
			return err
		}
	}
	for _, key := range []string{"generators", "transformers", "validators"} {
		list, _ := doc[key].([]any)
		for i, e := range list {
			text, ok := e.(string)
			if !ok || strings.Contains(text, "\n") {
				continue
			}
			replaced, err := k.entry(folder, file, text, true)
			if err != nil {
				return err
			}
			list[i] = replaced
		}
	}
	for _, key := range []string{"patches", "patchesJson6902", "replacements"} {
		for _, m := range mapsIn(doc[key]) {
			if err := one(m, "path"); err != nil {
				return err
			}
		}
	}
	if m, ok := doc["openapi"].(map[string]any); ok {
		if err := one(m, "path"); err != nil {
			return err
		}
	}
	for _, key := range []string{"configMapGenerator", "secretGenerator"} {
		for _, m := range mapsIn(doc[key]) {
			for _, list := range []string{"files", "envs"} {
				if err := many(m, list); err != nil {
					return err
				}
			}
			if err := one(m, "env"); err != nil {
				return err
			}
		}
	}
	return nil
}

func mapsIn(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
