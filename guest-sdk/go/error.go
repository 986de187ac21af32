package guest

import "holdline/guest/internal/abi"

// Error is why the host did not do what it was asked for; nothing has happened then. Every error of this package is one.
//
// Its case is compared with [errors.Is], as in errors.Is(err, guest.ErrClosed), or read from the Error with [errors.As].
type Error struct {
	// Case is the name that the contract has for it.
	Case Case
	// Text is what the host has to say beside the case: with [ErrInvalidSchedule] what is wrong with the schedule, with
	// [ErrJSON] what is wrong with the JSON, otherwise empty.
	Text string

	meaning string
	cause   error
}

// Case is the name of an error in the contract, such as "already-retained". What one means in detail depends on the call.
type Case string

// The cases. Each function says which of them it has; all of them can have [ErrInternal].
const (
	// The event has retained before, used since then or not.
	ErrAlreadyRetained Case = "already-retained"
	// The connection is closed or closing, its peer has gone; or the channel is closed, and for its receiving side empty.
	ErrClosed Case = "closed"
	// The connection cannot be retained: it is closing, or this is its close event, or the host is stopping.
	ErrClosing Case = "closing"
	// There is no room in the channel, or, at capacity 0, nobody is receiving at this moment.
	ErrFull Case = "full"
	// The host failed; its log says how.
	ErrInternal Case = "internal"
	// The close code is one that an endpoint may not send.
	ErrInvalidCloseCode Case = "invalid-close-code"
	// The delay is longer than the tenant's longest (400 days unless configured).
	ErrInvalidDelay Case = "invalid-delay"
	// The handle was never given out, was used, has expired, or belongs to another tenant: one case for all of them.
	ErrInvalidHandle Case = "invalid-handle"
	// The name of the channel is empty, over 255 bytes, or contains a control character.
	ErrInvalidName Case = "invalid-name"
	// The schedule cannot be kept; the text says what is wrong with it and where.
	ErrInvalidSchedule Case = "invalid-schedule"
	// The value cannot be written as JSON, or what came is not the JSON that was asked for. The SDK's own; the text says
	// where.
	ErrJSON Case = "json"
	// There is no channel to select from.
	ErrNoChannels Case = "no-channels"
	// The plugin has no timer handler, or was removed.
	ErrNoHandler Case = "no-handler"
	// The request is not the one of the event that this instance is handling.
	ErrNotThisEvent Case = "not-this-event"
	// The connection's outbox is full: try again later.
	ErrOverloaded Case = "overloaded"
	// The tenant has as much as it may: held connections, channels, bytes in them, timers or workers.
	ErrQuotaExceeded Case = "quota-exceeded"
	// The event has retained the connection: answer through a [DelayedWebSocket].
	ErrRetained Case = "retained"
	// The time was over before the item was taken or came.
	ErrTimeout Case = "timeout"
	// Something is over its limit: a message, a close reason, an attachment, an item, a capacity, a payload, an argument.
	ErrTooLarge Case = "too-large"
	// No channel of this name is open, or there is no such timer, or the plugin has no worker.
	ErrUnknown Case = "unknown"
	// No channel of the name of the exit channel is open.
	ErrUnknownChannel Case = "unknown-channel"
	// The delivery was never set, was made or cancelled, or belongs to another tenant.
	ErrUnknownTimer Case = "unknown-timer"
	// A channel of this name is open with another capacity.
	ErrWrongCapacity Case = "wrong-capacity"
)

// Error is the case's name.
func (c Case) Error() string { return string(c) }

// Error says what the case means, as far as the call that failed is concerned, and the text.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.meaning
	}
	return e.meaning + ": " + e.Text
}

// Unwrap gives the case, and with [ErrJSON] the error of encoding/json.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Case}
	}
	return []error{e.Case, e.cause}
}

func jsonError(cause error) error {
	return &Error{Case: ErrJSON, Text: cause.Error(), meaning: "invalid JSON", cause: cause}
}

// cases are those of one enumeration of the contract, in its order, each with what it means there.
type cases []struct {
	is      Case
	meaning string
}

const hostFailed = "the host failed; its log says how"

// error is what stands in a result: none, or the case that stands at this offset.
func (c cases) error(area *abi.Area, offset uintptr) error {
	if !area.Failed() {
		return nil
	}
	failed := c[area.Uint8(offset)]
	return &Error{Case: failed.is, meaning: failed.meaning}
}
