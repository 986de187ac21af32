package guest

import (
	"runtime"
	"time"

	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

// TimerID names a timer of this plugin.
type TimerID = uint64

// Missed says what a repeating timer does with runs that are already past when their turn comes.
type Missed uint32

const (
	// Skip leaves them out; the next run is the next one in the future.
	Skip Missed = iota
	// Burst makes up for each of them, one after the other.
	Burst
	// Coalesce lets one run stand for all of them.
	Coalesce
)

// TimerInfo is a timer that is pending.
type TimerInfo struct {
	// ID is its id.
	ID TimerID
	// Next is when it runs next, in whole milliseconds.
	Next time.Time
	// Payload is what its handler will be given.
	Payload []byte
}

var timerErrors = cases{
	{ErrInvalidSchedule, "invalid schedule"},
	{ErrNoHandler, "the plugin exports no timer handler, or was removed"},
	{ErrUnknown, "there is no such timer pending"},
	{ErrTooLarge, "the payload is over 64 KiB"},
	{ErrQuotaExceeded, "the tenant has as many timers as it may"},
	{ErrInternal, hostFailed},
}

// The schedules, in the order of the contract.
const (
	after = iota
	at
	every
	cron
)

// TimerAfter calls this plugin's timer handler once, after this delay, 400 days at most. The timer belongs to the plugin, not to
// the instance that set it, and lives until it is done or cancelled, the plugin is removed, or the host ends.
//
// Errors: [ErrInvalidSchedule], [ErrNoHandler], [ErrTooLarge] for a payload over 64 KiB, [ErrQuotaExceeded].
func TimerAfter(delay time.Duration, payload []byte) (TimerID, error) {
	return setTimer(after, millis(delay), payload, Skip)
}

// TimerAt calls it once, at this time; at once if it has passed. Errors: those of [TimerAfter].
func TimerAt(time time.Time, payload []byte) (TimerID, error) {
	return setTimer(at, unixMillis(time), payload, Skip)
}

// TimerEvery calls it again and again, this far apart (at least a millisecond, 400 days at most), the first time after one interval.
// Anchored at the moment of setting: it does not drift. Errors: those of [TimerAfter].
func TimerEvery(interval time.Duration, payload []byte, missed Missed) (TimerID, error) {
	return setTimer(every, millis(interval), payload, missed)
}

func setTimer(schedule uint32, when uint64, payload []byte, missed Missed) (TimerID, error) {
	area := abi.Open()
	defer area.Close()
	host.SetTimer(schedule, when, 0, 0, "", abi.View(payload), uint32(missed), area.Pointer())
	return timerIn(area)
}

// TimerCron calls it again and again, as a cron expression says: second, minute, hour, day of month, month, day of week; or five of
// them, without the second. The time zone is a name of the IANA database, such as Europe/Berlin; empty means UTC. Errors: those of
// [TimerAfter].
func TimerCron(schedule, timeZone string, payload []byte, missed Missed) (TimerID, error) {
	var hasZone uint32
	if timeZone != "" {
		hasZone = 1
	}
	schedule = abi.Valid(schedule)
	area := abi.Open()
	defer area.Close()
	host.SetTimer(cron, uint64(abi.Address(schedule)), uint32(len(schedule)), hasZone, abi.Valid(timeZone),
		abi.View(payload), uint32(missed), area.Pointer())
	runtime.KeepAlive(schedule)
	return timerIn(area)
}

func timerIn(area *abi.Area) (TimerID, error) {
	if err := timerError(area, 8); err != nil {
		return 0, err
	}
	return area.Uint64(8), nil
}

// CancelTimer takes a timer back. A run that has started is not stopped. Error: [ErrUnknown].
func CancelTimer(timer TimerID) error {
	area := abi.Open()
	defer area.Close()
	host.CancelTimer(timer, area.Pointer())
	return timerError(area, 4)
}

// timerError is the one error of the contract with a text in one of its cases, which is the first.
func timerError(area *abi.Area, offset uintptr) error {
	if !area.Failed() || area.Uint8(offset) != 0 {
		return timerErrors.error(area, offset)
	}
	return &Error{Case: ErrInvalidSchedule, Text: area.Text(offset + 4), meaning: timerErrors[0].meaning}
}

// Timers are the pending timers of this plugin, those first that run first.
func Timers() []TimerInfo {
	area := abi.Open()
	defer area.Close()
	host.Timers(area.Pointer())
	return abi.List(area.Uint32(0), area.Uint32(4), 24, func(at abi.Place) TimerInfo {
		return TimerInfo{ID: at.Uint64(0), Next: time.UnixMilli(int64(at.Uint64(8))), Payload: at.Bytes(16)}
	})
}
