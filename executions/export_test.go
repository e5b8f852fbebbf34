package executions

import "golang.org/x/sync/semaphore"

// BoundDocuments sets the bound of the packed bytes that readers hold together,
// before the first of them.
func (s *Service) BoundDocuments(bytes int64) { s.gauge.bytes = semaphore.NewWeighted(bytes) }
