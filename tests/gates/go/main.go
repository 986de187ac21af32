// The gate decides who may connect, as the query says, and tells whoever is in what it was let in with. It has no timer handler and no
// worker.
package main

import (
	"errors"
	"time"

	"holdline/guest"
	"holdline/guest/connecthandler"
	"holdline/guest/handler"
)

type gate struct{ handler.Defaults }

func init() {
	connecthandler.Export(connect)
	handler.Export(gate{})
}

func main() {}

func connect(upgrade connecthandler.Upgrade) (connecthandler.Acceptance, error) {
	switch upgrade.Query {
	case "refuse":
		headers := guest.Headers{
			{Name: "x-reason", Value: []byte("not today")},
			{Name: "content-length", Value: []byte("7000")},
		}
		return connecthandler.Acceptance{}, &connecthandler.Refusal{Status: 403, Headers: headers, Body: []byte("closed on Mondays")}
	case "redirect":
		return connecthandler.Acceptance{}, connecthandler.Refuse(302, "")
	case "trap":
		panic("the gate is broken")
	case "uninvited":
		return connecthandler.Acceptance{Subprotocol: "never-offered"}, nil
	}
	seen := upgrade.Path + " " + upgrade.Query + " " + upgrade.Headers.Get("X-User") + " " + upgrade.RemoteAddress
	acceptance := connecthandler.Acceptance{Attachment: []byte(seen)}
	if len(upgrade.Subprotocols) > 1 {
		acceptance.Subprotocol = upgrade.Subprotocols[1]
	}
	return acceptance, nil
}

func (gate) Message(request guest.Request, message guest.Message) error {
	if text, _ := message.Text(); text == "start" {
		_, timer := guest.TimerAfter(time.Millisecond, nil)
		_, worker := guest.StartWorker("w", nil, "")
		return request.SendJSON(map[string]string{"timer": caseOf(timer), "worker": caseOf(worker)})
	}
	var subprotocol any
	if agreed := request.Subprotocol(); agreed != "" {
		subprotocol = agreed
	}
	return request.SendJSON(map[string]any{"subprotocol": subprotocol, "attachment": string(request.Attachment())})
}

func caseOf(err error) string {
	var refused *guest.Error
	if errors.As(err, &refused) {
		return refused.Case.Error()
	}
	return ""
}
