// Package handler has the events of connections call a plugin. Importing it is what makes a plugin have the export handler.
package handler

import "holdline/guest"

// Handler handles the events of connections. Those of one connection never overlap, and the next one waits while the connection is
// held.
//
// An error, like a panic, undoes the event's retention and closes the connection with 1011 and no reason; its text goes to the
// plugin's log and never to the client.
type Handler interface {
	// Open is called when the connection is open: once, before any message.
	Open(request guest.Request) error
	// Message is called when the client has sent a message. They come one at a time and in order.
	Message(request guest.Request, message guest.Message) error
	// Close is called when the connection has ended: exactly once for each that was opened, after all its messages. Nothing can be
	// sent any more; the request can be read.
	Close(request guest.Request, info CloseInfo) error
}

// Defaults does nothing when a connection opens, is sent a message, or ends. A handler that embeds it writes only the methods that
// it needs.
type Defaults struct{}

// Open does nothing.
func (Defaults) Open(guest.Request) error { return nil }

// Message does nothing.
func (Defaults) Message(guest.Request, guest.Message) error { return nil }

// Close does nothing.
func (Defaults) Close(guest.Request, CloseInfo) error { return nil }

// CloseInfo is how a connection ended.
type CloseInfo struct {
	// Frame is the Close frame that the peer sent, or else the one that the host sent; nil if the connection broke without one.
	Frame *guest.CloseFrame
	// Clean is whether both sides have said Close before the connection ended.
	Clean bool
}

var exported Handler

// Export gives the plugin its handler. Call it in an init function: that is all that runs before the first event.
func Export(handler Handler) { exported = handler }
