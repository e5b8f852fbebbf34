// Package reads is the part of Clouddriver that looks at clusters for people:
// it watches the objects of accounts that somebody asks about, mirrors what is
// shown of them, and answers questions that need the cluster itself.
//
// Of all workers that serve an account one leads: it holds the account's lease
// in the mirror and writes what it sees there. A worker that is asked by Gate,
// because the mirror is gone or old, answers from its own watch, which it begins
// if it has none. Nothing is watched that nobody asks about, unless the
// configuration says so.
package reads
