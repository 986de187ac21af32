package guest

import (
	"time"

	"holdline/guest/internal/host"
)

// Sleep waits, holding no thread of the host. For workers above all: a handler that waits keeps its instance. Other goroutines
// of the instance stand still meanwhile; time.Sleep lets them run.
func Sleep(delay time.Duration) { host.Sleep(millis(delay)) }

// millis is whole milliseconds, rounded up so that a short wait does not become none.
func millis(duration time.Duration) uint64 {
	if duration <= 0 {
		return 0
	}
	return uint64((duration-1)/time.Millisecond) + 1
}

// unixMillis is the time in milliseconds since the Unix epoch, rounded up; a time before it is as past as the epoch itself.
func unixMillis(at time.Time) uint64 {
	millis := at.UnixMilli()
	if at.After(time.UnixMilli(millis)) {
		millis++
	}
	return uint64(max(millis, 0))
}
