// Package architecture holds the test that every package imports only what its place in the house allows.
//
// Imports go one way: the domain, the contracts and doors, the rooms behind them, the stages, the programs, the command.
// See docs/architecture.md.
package architecture
