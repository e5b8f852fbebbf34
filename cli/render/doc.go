// Package render turns answers of Gate into what people and scripts read: tables,
// JSON, YAML, values found by JSONPath, trees of stages and diffs.
//
// Texts that come from elsewhere are cleaned of control characters before they
// reach a terminal, so that no name can move its cursor or change its colours.
package render
