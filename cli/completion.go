package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a script for a shell. The script asks this command for
// the words that may come next, so it never grows old.
type completionCommand struct {
	Shell string   `arg:"" enum:"bash,zsh,fish,words" help:"bash, zsh or fish."`
	Words []string `arg:"" optional:"" passthrough:"" hidden:"" help:"For the script: the words so far, the last of which is to be completed."`
}

// scripts ask for words; the line so far stands behind --.
var scripts = map[string]string{
	"bash": `# gennaker completion for bash; load it with: source <(gennaker completion bash)
_gennaker() {
  local IFS=$'\n'
  COMPREPLY=($(gennaker completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o nosort -F _gennaker gennaker
`,
	"zsh": `#compdef gennaker
# gennaker completion for zsh; load it with: source <(gennaker completion zsh)
_gennaker() {
  local -a found
  found=("${(@f)$(gennaker completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( ${#found} )) && [[ -n "$found[1]" ]]; then
    compadd -- "${found[@]}"
  else
    _files
  fi
}
compdef _gennaker gennaker
`,
	"fish": `# gennaker completion for fish; load it with: gennaker completion fish | source
function __gennaker_complete
  set -l words (commandline -opc) (commandline -ct)
  gennaker completion words -- $words[2..-1] 2>/dev/null
end
complete -c gennaker -a '(__gennaker_complete)'
`,
}

// Run implements the command.
func (c *completionCommand) Run(p *Process, k *kong.Kong) error {
	if c.Shell != "words" {
		_, err := io.WriteString(p.Stdout, scripts[c.Shell])
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, w := range complete(k.Model.Node, words) {
		if _, err := fmt.Fprintln(p.Stdout, w); err != nil {
			return err
		}
	}
	return nil
}

// complete lists what the last word may become: commands below the ones before
// it, flags, or values of a flag that has a few.
func complete(root *kong.Node, words []string) []string {
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	at, flags := root, root.Flags
	var open *kong.Flag // the flag whose value comes next
	for _, w := range words {
		if open != nil {
			open = nil
			continue
		}
		if strings.HasPrefix(w, "-") {
			open = takesValue(flags, w)
			continue
		}
		if child := childOf(at, w); child != nil {
			at = child
			flags = append(slices.Clone(flags), child.Flags...)
		}
	}
	var out []string
	offer := func(w string) {
		if strings.HasPrefix(w, last) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	switch {
	case open != nil:
		for _, v := range valuesOf(open) {
			offer(v)
		}
	case strings.HasPrefix(last, "-"):
		for _, f := range flags {
			if !f.Hidden {
				offer("--" + f.Name)
			}
		}
	default:
		for _, child := range at.Children {
			if !child.Hidden && child.Type == kong.CommandNode {
				offer(child.Name)
			}
		}
	}
	return out
}

func childOf(n *kong.Node, word string) *kong.Node {
	for _, c := range n.Children {
		if c.Type == kong.CommandNode && (c.Name == word || slices.Contains(c.Aliases, word)) {
			return c
		}
	}
	return nil
}

// takesValue returns the flag that a word names, if its value is the next word.
func takesValue(flags []*kong.Flag, word string) *kong.Flag {
	if strings.Contains(word, "=") {
		return nil
	}
	for _, f := range flags {
		names := append([]string{f.Name}, f.Aliases...)
		long := strings.HasPrefix(word, "--") && slices.Contains(names, word[2:])
		short := f.Short != 0 && word == "-"+string(f.Short)
		if (long || short) && !f.IsBool() {
			return f
		}
	}
	return nil
}

func valuesOf(f *kong.Flag) []string {
	if f.Name == "output" {
		return []string{"json", "yaml", "jsonpath="}
	}
	return f.EnumSlice()
}
