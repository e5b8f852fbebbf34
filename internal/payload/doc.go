// Package payload decides how values travel through Temporal and rest in its
// histories. Small ones stay as they are. Larger ones are compressed, all of
// them are encrypted when keys are configured, and what is still large then is
// kept in the object store under the hash of its content, with a reference in
// its place, so that histories and messages stay below Temporal's limits
// whatever stages put out.
//
// Every Temporal client of the program is set up by one [Payloads]:
//
//	p, err := payload.Open(ctx, config, payload.Where{Bucket: bucket, Name: "gennaker", Namespace: "default"}, logger)
//	...
//	c, err := temporal.Open(ctx, temporalConfig, logger, p.Apply)
//
// The way out is data converter, [Codec], object store; the way in is the
// reverse. The first two run wherever a value is encoded, inside workflow code
// too; the object store is called by the SDK's external storage, outside it.
// See docs/decisions/0008-large-payloads.md.
package payload
