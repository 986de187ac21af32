// Sends each message back as it came.
package main

import (
	"holdline/guest"
	"holdline/guest/handler"
)

type plugin struct{ handler.Defaults }

func init() { handler.Export(plugin{}) }

func main() {}

func (plugin) Message(request guest.Request, message guest.Message) error {
	return request.Send(answer(message))
}

// answer is what the client gets.
func answer(message guest.Message) guest.Message {
	return message
}
