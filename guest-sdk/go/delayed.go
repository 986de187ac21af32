package guest

import (
	"time"
	"unsafe"

	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

// DelayedWebSocket is a socket that is held, made from its handle alone, in any instance of any plugin of the same tenant:
//
//	err := guest.DelayedWebSocket(handle).Send("here it is")
//
// Making one claims nothing: whether the handle is good is seen when it is used. Send, SendConfirmed, Close, Release, SendAfter
// and SendAt end the retention. Exactly one of them on a handle ever succeeds, whoever races; every other one gets
// [ErrInvalidHandle]. After an error the retention is as it was, and the same number can be tried again.
type DelayedWebSocket WebSocketHandle

// DeliveryID names a pending [DelayedWebSocket.SendAfter] or [DelayedWebSocket.SendAt].
type DeliveryID = uint64

var delayedErrors = cases{
	{ErrInvalidHandle, "the handle is not valid (any more)"},
	{ErrClosed, "the connection is closed"},
	{ErrTooLarge, "the message or the close reason is over its limit"},
	{ErrOverloaded, "the connection's outbox is full"},
	{ErrInvalidCloseCode, "the close code is one that an endpoint may not send"},
	{ErrInvalidDelay, "the delay is longer than the tenant's longest"},
	{ErrUnknownTimer, "there is no such delivery pending"},
	{ErrQuotaExceeded, "the tenant has as many timers as it may"},
	{ErrInternal, hostFailed},
}

// Send sends the message and ends the retention: the connection goes on with the messages that waited. Success means that the
// message is in the connection's outbox. What a message can be: see [Request.Send].
//
// Errors, with the connection still held: [ErrInvalidHandle], [ErrClosed], [ErrTooLarge], [ErrOverloaded], [ErrJSON].
func (d DelayedWebSocket) Send(message any) error { return d.send(message, 0) }

// SendConfirmed sends the message, ends the retention, and returns when the message has been written to the socket. Errors: those
// of [DelayedWebSocket.Send]; [ErrClosed] also if the connection is lost before the message is written.
func (d DelayedWebSocket) SendConfirmed(message any) error { return d.send(message, 1) }

// SendJSON is Send of the value as a JSON text, and of a string or a []byte, too, as what [json.Marshal] makes of it. Errors: those
// of [DelayedWebSocket.Send].
func (d DelayedWebSocket) SendJSON(value any) error {
	text, err := encoded(value)
	if err != nil {
		return err
	}
	return d.Send(abi.View(text))
}

func (d DelayedWebSocket) send(message any, confirm uint32) error {
	sent, err := outgoingOf(message)
	if err != nil {
		return err
	}
	area := abi.Open()
	defer area.Close()
	host.DelayedSend(host.NewDelayed(uint64(d)), sent.kind, sent.data, 1, confirm, area.Pointer())
	return delayedErrors.error(area, 1)
}

// Push sends the message and goes on holding: for replies that stream. Errors: those of [DelayedWebSocket.Send].
func (d DelayedWebSocket) Push(message any) error { return d.push(message, 0) }

// PushConfirmed sends the message, goes on holding, and returns when the message has been written to the socket: a stream that does
// so is never ahead of its client. Errors: those of [DelayedWebSocket.SendConfirmed].
func (d DelayedWebSocket) PushConfirmed(message any) error { return d.push(message, 1) }

func (d DelayedWebSocket) push(message any, confirm uint32) error {
	sent, err := outgoingOf(message)
	if err != nil {
		return err
	}
	area := abi.Open()
	defer area.Close()
	socket := host.NewDelayed(uint64(d))
	defer host.DropDelayed(socket)
	host.DelayedPush(socket, sent.kind, sent.data, 1, confirm, area.Pointer())
	return delayedErrors.error(area, 1)
}

// Extend sets the deadline anew, counted from now; above the tenant's maximum it is lowered to that maximum. Errors:
// [ErrInvalidHandle], [ErrClosed].
func (d DelayedWebSocket) Extend(deadline time.Duration) error {
	area := abi.Open()
	defer area.Close()
	socket := host.NewDelayed(uint64(d))
	defer host.DropDelayed(socket)
	host.DelayedExtend(socket, millis(deadline), area.Pointer())
	return delayedErrors.error(area, 1)
}

// Close closes the connection with code 1000 and no reason. Messages that waited are discarded. Errors: [ErrInvalidHandle],
// [ErrClosed].
func (d DelayedWebSocket) Close() error { return d.close(0, CloseFrame{}) }

// CloseWith does the same with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most 123 bytes).
// Errors: those of [DelayedWebSocket.Close], [ErrInvalidCloseCode], [ErrTooLarge].
func (d DelayedWebSocket) CloseWith(code uint16, reason string) error {
	return d.close(1, CloseFrame{Code: code, Reason: reason})
}

func (d DelayedWebSocket) close(given uint32, frame CloseFrame) error {
	area := abi.Open()
	defer area.Close()
	socket := host.NewDelayed(uint64(d))
	host.DelayedClose(socket, given, uint32(frame.Code), abi.Valid(frame.Reason), area.Pointer())
	return delayedErrors.error(area, 1)
}

// Release ends the retention and sends nothing: the connection goes on with the messages that waited. Errors: [ErrInvalidHandle],
// [ErrClosed].
func (d DelayedWebSocket) Release() error {
	area := abi.Open()
	defer area.Close()
	host.DelayedRelease(host.NewDelayed(uint64(d)), area.Pointer())
	return delayedErrors.error(area, 1)
}

// SendAfter lets a timer of the host send the message after this delay and end the retention then. Nothing of the plugin runs when
// it fires. The retention's deadline does not count while the timer has it. 0 sends at once.
//
// Errors: those of [DelayedWebSocket.Send], [ErrInvalidDelay], [ErrQuotaExceeded].
func (d DelayedWebSocket) SendAfter(message any, delay time.Duration) (DeliveryID, error) {
	return d.schedule(message, host.DelayedSendAfter, millis(delay))
}

// SendAt does the same at a given time. A time that has passed sends at once. Errors: those of [DelayedWebSocket.SendAfter].
func (d DelayedWebSocket) SendAt(message any, at time.Time) (DeliveryID, error) {
	return d.schedule(message, host.DelayedSendAt, unixMillis(at))
}

type scheduling = func(socket, kind uint32, data string, when uint64, result unsafe.Pointer)

func (d DelayedWebSocket) schedule(message any, set scheduling, when uint64) (DeliveryID, error) {
	sent, err := outgoingOf(message)
	if err != nil {
		return 0, err
	}
	area := abi.Open()
	defer area.Close()
	set(host.NewDelayed(uint64(d)), sent.kind, sent.data, when, area.Pointer())
	if err := delayedErrors.error(area, 8); err != nil {
		return 0, err
	}
	return area.Uint64(8), nil
}

// CancelDelivery takes a delivery back that has not been made. Gives the handle back, still held, its deadline moved by the time
// that the timer had it. Errors: [ErrUnknownTimer], [ErrClosed] if the peer has gone meanwhile.
func CancelDelivery(delivery DeliveryID) (WebSocketHandle, error) {
	area := abi.Open()
	defer area.Close()
	host.CancelDelivery(delivery, area.Pointer())
	if err := delayedErrors.error(area, 8); err != nil {
		return 0, err
	}
	return area.Uint64(8), nil
}
