package guest

import (
	"time"
	"unsafe"

	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

// Request stands for one event (open, message or close) of one connection. It is good until that event returns; what outlives
// the event is the handle that [Request.RetainWebSocket] gives. After that a method that returns an error has
// [ErrNotThisEvent], and one that returns none is a trap.
//
// Every method asks the host anew: keep what you use twice.
type Request uint64

var retainErrors = cases{
	{ErrAlreadyRetained, "this event has already retained the connection"},
	{ErrClosing, "the connection is closing"},
	{ErrQuotaExceeded, "the tenant holds as many connections as it may"},
	{ErrTooLarge, "the message or the close reason of the expiry is over its limit"},
	{ErrInvalidCloseCode, "the close code of the expiry is one that an endpoint may not send"},
	{ErrNotThisEvent, "the request is not the one of this event"},
	{ErrInternal, hostFailed},
}

var replyErrors = cases{
	{ErrRetained, "the event has retained the connection: answer through a DelayedWebSocket"},
	{ErrClosed, "the connection is closed"},
	{ErrTooLarge, "the message, the attachment or the close reason is over its limit"},
	{ErrOverloaded, "the connection's outbox is full"},
	{ErrInvalidCloseCode, "the close code is one that an endpoint may not send"},
	{ErrNotThisEvent, "the request is not the one of this event"},
	{ErrInternal, hostFailed},
}

// RetainOption says how to retain. Without any the plugin's configured deadline (60 s unless configured) applies, and when it has
// passed the connection goes on with the messages that waited.
type RetainOption func(*retention)

type retention struct {
	hasDeadline, hasExpiry uint32
	deadline               uint64
	// The case of the expiry, and what its cases have in common: a number and a text.
	expiry, first uint32
	text          string
	err           error
}

// Deadline lets the connection be held for so long from now. Above the tenant's maximum it is lowered to that maximum; 0 expires
// as soon as the event has returned.
func Deadline(deadline time.Duration) RetainOption {
	return func(r *retention) { r.hasDeadline, r.deadline = 1, millis(deadline) }
}

// ResumeOnExpiry lets the connection go on at the deadline with the messages that waited.
func ResumeOnExpiry() RetainOption {
	return func(r *retention) { r.hasExpiry, r.expiry = 1, 0 }
}

// CloseOnExpiry closes the connection at the deadline with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this
// reason (at most 123 bytes).
func CloseOnExpiry(code uint16, reason string) RetainOption {
	return func(r *retention) {
		r.hasExpiry, r.expiry, r.first, r.text = 1, 1, uint32(code), abi.Valid(reason)
	}
}

// SendOnExpiry sends this message at the deadline, and the connection goes on with the messages that waited. What a message can
// be: see [Request.Send].
func SendOnExpiry(message any) RetainOption {
	return func(r *retention) {
		sent, err := outgoingOf(message)
		r.hasExpiry, r.expiry, r.first, r.text, r.err = 1, 2, sent.kind, sent.data, err
	}
}

// RetainWebSocket holds the connection: when this event returns, its next one waits until the handle is used or its deadline has
// passed. Messages that come meanwhile wait in order, and nothing of the plugin stays in memory for them. Works once per event,
// in open and message events. After it the request can be read, but not answered. If the event then fails, the retention is undone
// and the connection closed.
//
// Errors, with the connection as it was before: [ErrAlreadyRetained], [ErrClosing], [ErrQuotaExceeded], [ErrNotThisEvent]; with
// options also [ErrTooLarge], [ErrInvalidCloseCode], [ErrJSON].
func (r Request) RetainWebSocket(options ...RetainOption) (WebSocketHandle, error) {
	var how retention
	for _, option := range options {
		option(&how)
	}
	if how.err != nil {
		return 0, how.err
	}
	given := min(how.hasDeadline+how.hasExpiry, 1)
	area := abi.Open()
	defer area.Close()
	host.Retain(uint64(r), given, how.hasDeadline, how.deadline, how.hasExpiry, how.expiry, how.first, how.text, area.Pointer())
	if err := retainErrors.error(area, 8); err != nil {
		return 0, err
	}
	return area.Uint64(8), nil
}

// Send sends a message to the client, in the order of the calls. Success means that the message is in the connection's outbox.
// A string is sent as a text, a []byte as a binary message, a [Message] as what it is, and any other value as JSON.
//
// Errors, with nothing sent: [ErrRetained], [ErrClosed], [ErrTooLarge], [ErrOverloaded], [ErrNotThisEvent], [ErrJSON].
func (r Request) Send(message any) error {
	sent, err := outgoingOf(message)
	if err != nil {
		return err
	}
	return r.send(sent)
}

// SendJSON sends the value as a JSON text, and a string or a []byte, too, as what [json.Marshal] makes of it. Errors: those of
// [Request.Send].
func (r Request) SendJSON(value any) error {
	sent, err := outgoingJSON(value)
	if err != nil {
		return err
	}
	return r.send(sent)
}

func (r Request) send(message outgoing) error {
	area := abi.Open()
	defer area.Close()
	host.Send(uint64(r), message.kind, message.data, area.Pointer())
	return replyErrors.error(area, 1)
}

// Close closes the connection with code 1000 and no reason. The event goes on; messages that waited are discarded; the close event
// comes when the client has answered or the close handshake has timed out. Errors: [ErrRetained], [ErrClosed], [ErrNotThisEvent].
func (r Request) Close() error { return r.close(0, CloseFrame{}) }

// CloseWith does the same with this code (1000, 1001, 1003, 1007 to 1014, or 3000 to 4999) and this reason (at most 123 bytes).
// Errors: those of [Request.Close], [ErrInvalidCloseCode], [ErrTooLarge].
func (r Request) CloseWith(code uint16, reason string) error {
	return r.close(1, CloseFrame{Code: code, Reason: reason})
}

func (r Request) close(given uint32, frame CloseFrame) error {
	area := abi.Open()
	defer area.Close()
	host.Close(uint64(r), given, uint32(frame.Code), abi.Valid(frame.Reason), area.Pointer())
	return replyErrors.error(area, 1)
}

// ID is the id of the connection: unguessable, unique, and the same in all its events.
func (r Request) ID() ConnectionID { return r.text(host.ID) }

// Path is the path that the client asked for, percent-encoded as it was sent, without the query.
func (r Request) Path() string { return r.text(host.Path) }

// Query is the query that the client asked for, without the question mark, percent-encoded as it was sent; empty if there was
// none. url.ParseQuery reads it.
func (r Request) Query() string { return r.text(host.Query) }

// RemoteAddress is the client's address and port, as in 192.0.2.7:50123 or [2001:db8::7]:50123.
func (r Request) RemoteAddress() string { return r.text(host.RemoteAddress) }

func (r Request) text(ask func(uint64, unsafe.Pointer)) string {
	area := abi.Open()
	defer area.Close()
	ask(uint64(r), area.Pointer())
	return area.Text(0)
}

// Headers are those of the upgrade request.
func (r Request) Headers() Headers {
	area := abi.Open()
	defer area.Close()
	host.Headers(uint64(r), area.Pointer())
	return abi.List(area.Uint32(0), area.Uint32(4), 16, func(at abi.Place) Header {
		return Header{Name: at.Text(0), Value: at.Bytes(8)}
	})
}

// Header is the first header of this name, in any case; empty if there is none. What of it is not UTF-8 becomes U+FFFD.
func (r Request) Header(name string) string { return r.Headers().Get(name) }

// Subprotocol is the one that was agreed on; empty if there is none.
func (r Request) Subprotocol() string {
	area := abi.Open()
	defer area.Close()
	host.Subprotocol(uint64(r), area.Pointer())
	if area.Uint8(0) == 0 {
		return ""
	}
	return area.Text(4)
}

// Attachment is the connection's attachment: bytes of the plugin's own that live as long as the connection. Empty until it is set.
func (r Request) Attachment() []byte {
	area := abi.Open()
	defer area.Close()
	host.Attachment(uint64(r), area.Pointer())
	return area.Bytes(0)
}

// AttachmentJSON reads the attachment into the target as [json.Unmarshal] does, and says whether there was one. Error: [ErrJSON].
func (r Request) AttachmentJSON(target any) (found bool, err error) {
	attachment := r.Attachment()
	if len(attachment) == 0 {
		return false, nil
	}
	return true, decoded(attachment, target)
}

// SetAttachment replaces the attachment. It can be set while retained and in a close event. Errors: [ErrTooLarge] over the limit
// (64 KiB unless configured), [ErrNotThisEvent].
func (r Request) SetAttachment(bytes []byte) error {
	area := abi.Open()
	defer area.Close()
	host.SetAttachment(uint64(r), abi.View(bytes), area.Pointer())
	return replyErrors.error(area, 1)
}

// SetAttachmentJSON replaces the attachment with the value as JSON. Errors: those of [Request.SetAttachment], [ErrJSON].
func (r Request) SetAttachmentJSON(value any) error {
	bytes, err := encoded(value)
	if err != nil {
		return err
	}
	return r.SetAttachment(bytes)
}
