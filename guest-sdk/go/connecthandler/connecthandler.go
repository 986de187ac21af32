// Package connecthandler has a plugin decide who may connect. Without it everyone may, with no subprotocol. Importing it is what
// makes a plugin have the export connect-handler.
package connecthandler

import (
	"fmt"

	"holdline/guest"
)

// Upgrade is the HTTP request that asks for the upgrade.
type Upgrade struct {
	// Path is percent-encoded as it was sent, without the query.
	Path string
	// Query is the query without the question mark; empty if there was none.
	Query string
	// Headers are those of the request.
	Headers guest.Headers
	// Subprotocols are those that the client offers, the one it likes best first.
	Subprotocols []string
	// RemoteAddress is the client's address and port.
	RemoteAddress string
}

// Acceptance is how a connection begins. The zero value accepts with no subprotocol and an empty attachment.
type Acceptance struct {
	// Subprotocol is one of those that the client offers, or empty. Another one is an error of the plugin: the client gets 500.
	Subprotocol string
	// Attachment is the connection's first attachment.
	Attachment []byte
}

// Refusal is the HTTP response that refuses. As an error it is what [Export]'s function returns.
type Refusal struct {
	// Status is from 400 to 599. Another one is an error of the plugin: the client gets 500.
	Status uint16
	// Headers of the response. Those that belong to the transfer (such as content-length) are left out.
	Headers guest.Headers
	// Body of the response.
	Body []byte
}

// Error names the status.
func (r *Refusal) Error() string { return fmt.Sprintf("refused with status %d", r.Status) }

// Refuse refuses with this status and body.
func Refuse(status uint16, body string) error { return &Refusal{Status: status, Body: []byte(body)} }

var exported func(upgrade Upgrade) (Acceptance, error)

// Export gives the plugin its connect handler, which is called before each upgrade. An error that is no [Refusal], like a panic,
// answers the client with 500 and an empty body; its text goes to the plugin's log. Call Export in an init function.
func Export(handler func(upgrade Upgrade) (Acceptance, error)) { exported = handler }
