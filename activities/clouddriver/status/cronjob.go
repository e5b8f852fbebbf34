package status

// cronJob is stable once its controller wrote any status, even an empty one.
func cronJob(o fields) Status {
	if !o.has("status") {
		return noneReported()
	}
	return settled()
}
