// Every connection gets a tick each second, from a timer of the host. Between two ticks no instance is kept: the timer's payload is
// the id of the connection, and the connection's attachment is the id of the timer.
package main

import (
	"errors"
	"time"

	"holdline/guest"
	"holdline/guest/handler"
	"holdline/guest/timerhandler"
)

type plugin struct{}

func init() {
	handler.Export(plugin{})
	timerhandler.Export(tick)
}

func main() {}

func (plugin) Open(request guest.Request) error {
	timer, err := guest.TimerEvery(time.Second, []byte(request.ID()), guest.Skip)
	if err != nil {
		return err
	}
	return request.SetAttachmentJSON(timer)
}

func (plugin) Message(request guest.Request, _ guest.Message) error {
	return request.Send("listen")
}

func (plugin) Close(request guest.Request, _ handler.CloseInfo) error {
	var timer guest.TimerID
	if found, err := request.AttachmentJSON(&timer); err != nil || !found {
		return err
	}
	return known(guest.CancelTimer(timer))
}

func tick(timer guest.TimerID, payload []byte) error {
	reached, err := guest.BroadcastToConnections([]guest.ConnectionID{string(payload)}, "tick")
	if err != nil || reached > 0 {
		return err
	}
	return known(guest.CancelTimer(timer))
}

// known passes over that a timer is gone: the close event and a tick that reached nobody may both cancel it, and the second one
// finds nothing.
func known(err error) error {
	if errors.Is(err, guest.ErrUnknown) {
		return nil
	}
	return err
}
