// A chat with rooms: the path is the room, ?name= says who somebody is, and what is said is broadcast to the room. The plugin keeps
// no list of anybody: the host knows who is connected where.
package main

import (
	"cmp"
	"strings"

	"holdline/guest"
	"holdline/guest/handler"
)

type plugin struct{ handler.Defaults }

// said is what the room hears.
type said struct {
	From string `json:"from"`
	Text string `json:"text"`
}

func init() { handler.Export(plugin{}) }

func main() {}

func (plugin) Message(request guest.Request, message guest.Message) error {
	text, ok := message.Text()
	if !ok {
		return request.Send(map[string]string{"error": "say it as text"})
	}
	_, err := guest.BroadcastToPath(request.Path(), said{name(request.Query()), text})
	return err
}

// name is who somebody is, as the query says it.
func name(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if name, ok := strings.CutPrefix(pair, "name="); ok {
			return cmp.Or(name, "somebody")
		}
	}
	return "somebody"
}
