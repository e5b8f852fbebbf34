package s3store

// OpenWithClock is Open with another clock.
var OpenWithClock = open
