// Answers later, from elsewhere: the handler holds the connection and passes its handle over a channel, and a worker answers a
// second later. While the connection is held its next messages wait.
package main

import (
	"fmt"
	"time"

	"holdline/guest"
	"holdline/guest/handler"
	"holdline/guest/worker"
)

type plugin struct{ handler.Defaults }

// question is what the handler passes to the worker.
type question struct {
	Handle guest.WebSocketHandle
	Text   string
}

func init() {
	handler.Export(plugin{})
	worker.Export(run)
}

func main() {}

func (plugin) Message(request guest.Request, message guest.Message) error {
	questions, err := guest.OpenChannel("questions", 100)
	if err != nil {
		return err
	}
	text, ok := message.Text()
	if !ok {
		text = "something that is no text"
	}
	handle, err := request.RetainWebSocket()
	if err != nil {
		return err
	}
	return questions.OfferJSON(question{handle, text})
}

func run(name string, argument []byte) error {
	questions, err := guest.OpenChannel("questions", 100)
	if err != nil {
		return err
	}
	for {
		var asked question
		if err := questions.ReceiveJSON(&asked); err != nil {
			return err
		}
		guest.Sleep(time.Second)
		if err := guest.DelayedWebSocket(asked.Handle).Send(answer(asked.Text)); err != nil {
			// The client may have gone.
			fmt.Printf("%d: %v\n", asked.Handle, err)
		}
	}
}

func answer(text string) string {
	return "you said: " + text
}
