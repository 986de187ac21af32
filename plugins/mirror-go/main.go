// Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers by that
// number alone.
//
// Three messages sent at once by one client come back one after the other: the connection is held during each of them.
package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"holdline/guest"
	"holdline/guest/handler"
	"holdline/guest/worker"
)

// name is the way from the handlers to the workers.
const name = "background"

// capacity lets over a thousand clients wait; the next one is told that there is too much to do.
const capacity = 1024

// item is what goes over the channel.
type item struct {
	Handle guest.WebSocketHandle `json:"webSocketHandle"`
	Msg    string                `json:"msg"`
}

type mirror struct{ handler.Defaults }

func init() {
	handler.Export(mirror{})
	worker.Export(answering)
}

func main() {}

func (mirror) Open(request guest.Request) error {
	return request.Send("hello from mirror")
}

func (mirror) Message(request guest.Request, message guest.Message) error {
	msg, ok := message.Text()
	if !ok {
		return request.Send(map[string]string{"error": "mirror takes text"})
	}
	handle, err := request.RetainWebSocket()
	if err != nil {
		return err
	}
	if err := handOver(item{handle, msg}); err != nil {
		// Nobody else knows the handle: the client would wait until the deadline.
		return guest.DelayedWebSocket(handle).Send(map[string]string{"error": err.Error()})
	}
	return nil
}

func handOver(item item) error {
	channel, err := guest.OpenChannel(name, capacity)
	if err != nil {
		return err
	}
	return channel.OfferJSON(item)
}

// answering is the worker.
func answering(_ string, argument []byte) error {
	delay, err := parseDelay(string(argument))
	if err != nil {
		return err
	}
	channel, err := guest.OpenChannel(name, capacity)
	if err != nil {
		return err
	}
	type due struct {
		at   time.Time
		item item
	}
	// All of them wait equally long, so the one that came first is due first, and one worker can wait for any number.
	var waiting []due
	for {
		var received item
		var err error
		if len(waiting) == 0 {
			err = channel.ReceiveJSON(&received)
		} else {
			err = channel.ReceiveJSONTimeout(&received, time.Until(waiting[0].at))
		}
		switch {
		case err == nil:
			waiting = append(waiting, due{time.Now().Add(delay), received})
		case errors.Is(err, guest.ErrTimeout):
			answer(waiting[0].item)
			waiting = waiting[1:]
		case errors.Is(err, guest.ErrJSON):
			fmt.Println("passed over an item that is not one of ours:", err)
		case errors.Is(err, guest.ErrClosed):
			return nil
		default:
			return err
		}
	}
}

// answer needs nothing but the number: the connection may be any, and the instance that held it is long gone.
func answer(item item) {
	answer := map[string]string{"mirrored": mirrored(item.Msg), "msg": item.Msg}
	if err := guest.DelayedWebSocket(item.Handle).Send(answer); err != nil {
		fmt.Printf("could not answer %d: %v\n", item.Handle, err)
	}
}

func mirrored(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// parseDelay reads a number of milliseconds, as text; a second if there is none.
func parseDelay(argument string) (time.Duration, error) {
	if argument == "" {
		return time.Second, nil
	}
	millis, err := strconv.ParseUint(argument, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("the argument `%s` is not a number of milliseconds", argument)
	}
	return time.Duration(millis) * time.Millisecond, nil
}
