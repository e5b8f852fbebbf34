// Package deck holds the web UI's built files inside the binary.
//
// The files in dist are written by `npm run build` (make web). A binary that was
// built without Node still compiles: dist then holds a placeholder only, Built
// reports false and the handler says what to run.
package deck

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built files, rooted so that index.html is at the top.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("deck: " + err.Error()) //nolint:forbidigo // Unreachable: fs.Sub fails only on an invalid path, and this one is a constant.
	}
	return sub
}

// Built reports whether the files hold the UI rather than the placeholder alone.
func Built() bool {
	_, err := fs.Stat(Files(), "index.html")
	return err == nil
}
