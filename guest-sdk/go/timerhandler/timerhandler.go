// Package timerhandler has a plugin's timers call it. Importing it is what makes a plugin have the export timer-handler, without which
// no timer can be set.
package timerhandler

import "holdline/guest"

var exported func(timer guest.TimerID, payload []byte) error

// Export gives the plugin its timer handler, which is called when a timer is due, each time in a new event. Runs of one timer never
// overlap. An error or a panic goes to the log; a repeating timer goes on. Call Export in an init function.
func Export(handler func(timer guest.TimerID, payload []byte) error) { exported = handler }
