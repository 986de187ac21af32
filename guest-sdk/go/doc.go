// Package guest is what Holdline plugins in Go are written with: everything that a plugin may ask of its host.
//
// What a plugin can be called for has a package each: handler, connecthandler, worker, timerhandler, channelhandler and
// migration. A plugin imports those that it has, and gives them what is to be called in an init function:
//
//	package main
//
//	import (
//		"holdline/guest"
//		"holdline/guest/handler"
//	)
//
//	type echo struct{ handler.Defaults }
//
//	func (echo) Message(request guest.Request, message guest.Message) error {
//		return request.Send(message)
//	}
//
//	func init() { handler.Export(echo{}) }
//
//	func main() {}
//
// To answer later, [Request.RetainWebSocket] gives a number, and [DelayedWebSocket] is made from that number anywhere: in a
// worker, in a timer, in another plugin of the same tenant.
//
// An instance may be fresh for each event: what is to last belongs in the connection's attachment, in a channel, or in the
// payload of a timer, and not in variables. Goroutines run while a handler does; they stand still when it has returned.
//
// Durations are rounded up to whole milliseconds, so that nothing comes earlier than asked, and negative ones are zero. What
// of a text is not UTF-8 becomes U+FFFD. Outside of a host every function that asks the host panics; what can be tested there
// is the plugin's own logic.
package guest
