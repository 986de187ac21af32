package guest

import (
	"strings"

	"holdline/guest/internal/abi"
)

// WebSocketHandle names one retention of one connection and is never given out twice. It is a plain number, not 0 and at most
// 2^53 - 1: send it through a channel, a queue or a database as you like.
type WebSocketHandle = uint64

// ConnectionID names a connection for as long as it lives: unguessable, unique, and the same in all its events.
type ConnectionID = string

// Message is one WebSocket message: a text or bytes.
type Message struct {
	binary bool
	text   string
	bytes  []byte
}

// CloseFrame is what a WebSocket Close frame says.
type CloseFrame struct {
	// Code is 1000, 1001, 1003, 1007 to 1014, or 3000 to 4999.
	Code uint16
	// Reason is at most 123 bytes.
	Reason string
}

// Header is one HTTP header field.
type Header struct {
	// Name is in lower case.
	Name string
	// Value is as it was sent. HTTP does not promise that it is UTF-8.
	Value []byte
}

// Headers are those of a request, in the order in which they came; those of one name stand together.
type Headers []Header

// TextMessage is a text message.
func TextMessage(text string) Message { return Message{text: text} }

// BinaryMessage is a binary message.
func BinaryMessage(bytes []byte) Message { return Message{binary: true, bytes: bytes} }

// Text is the text of a text message. A binary message has none, which ok says.
func (m Message) Text() (text string, ok bool) { return m.text, !m.binary }

// Bytes are those of the message: of a text its UTF-8.
func (m Message) Bytes() []byte {
	if m.binary {
		return m.bytes
	}
	return []byte(m.text)
}

// JSON reads the message, text or binary, into the target as [json.Unmarshal] does. Error: [ErrJSON].
func (m Message) JSON(target any) error { return decoded(m.Bytes(), target) }

// Get is the first value under this name, in any case; empty if there is none. What of it is not UTF-8 becomes U+FFFD.
func (h Headers) Get(name string) string {
	for _, header := range h {
		if strings.EqualFold(header.Name, name) {
			return abi.Valid(string(header.Value))
		}
	}
	return ""
}

const (
	kindText   = 0
	kindBinary = 1
)

// outgoing is a message on its way to the host.
type outgoing struct {
	kind uint32
	data string
}

// outgoingOf makes a message of anything: a string is a text, a []byte is binary, a Message is what it is, and all else is a
// text in JSON.
func outgoingOf(message any) (outgoing, error) {
	switch message := message.(type) {
	case string:
		return outgoing{kindText, abi.Valid(message)}, nil
	case []byte:
		return outgoing{kindBinary, abi.View(message)}, nil
	case Message:
		if message.binary {
			return outgoing{kindBinary, abi.View(message.bytes)}, nil
		}
		return outgoing{kindText, abi.Valid(message.text)}, nil
	default:
		return outgoingJSON(message)
	}
}

func outgoingJSON(value any) (outgoing, error) {
	text, err := encoded(value)
	if err != nil {
		return outgoing{}, err
	}
	return outgoing{kindText, abi.View(text)}, nil
}
