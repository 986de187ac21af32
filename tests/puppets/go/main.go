// The guest puppet in Go: it does what it is told. A message is a list of commands in JSON, and the report is the list of what came
// of them: {"ok": value}, or {"error": the name of the case}.
//
// The report goes back to the client: as a reply, or by a push once the event has retained. Where neither can be, as in a close event,
// it goes to the log. The headers x-open and x-close have the commands of those events. Workers, timers and channel items carry
// commands, too; their reports go to the log.
package main

import (
	"errors"
	"fmt"

	"holdline/guest"
	"holdline/guest/channelhandler"
	"holdline/guest/handler"
	"holdline/guest/migration"
	"holdline/guest/timerhandler"
	"holdline/guest/worker"
)

type puppet struct{}

func init() {
	handler.Export(puppet{})
	worker.Export(func(name string, argument []byte) error {
		return alone(fmt.Sprintf("worker %s", name), argument)
	})
	timerhandler.Export(func(timer guest.TimerID, payload []byte) error {
		return alone(fmt.Sprintf("timer %d", timer), payload)
	})
	channelhandler.Export(func(channel string, item []byte) error {
		return alone(fmt.Sprintf("item of %s", channel), item)
	})
	migration.Export(migrate)
}

func main() {}

func (puppet) Open(request guest.Request) error {
	return obeyHeader(request, "x-open")
}

func (puppet) Message(request guest.Request, message guest.Message) error {
	if commands, ok := message.Text(); ok {
		return obey(request, []byte(commands))
	}
	return request.Send(message)
}

func (puppet) Close(request guest.Request, info handler.CloseInfo) error {
	var frame any
	if info.Frame != nil {
		frame = []any{info.Frame.Code, info.Frame.Reason}
	}
	fmt.Printf("close event: %s\n", compact(object{"id": request.ID(), "frame": frame, "clean": info.Clean}))
	return obeyHeader(request, "x-close")
}

// migrate does as the attachment says: fail, trap or forget. Any other is told where it comes from.
func migrate(attachment []byte, fromVersion string) ([]byte, error) {
	switch string(attachment) {
	case "fail":
		return nil, errors.New("that was never an attachment")
	case "trap":
		panic("as it was told")
	case "forget":
		return nil, nil
	}
	return fmt.Appendf(attachment, " from %s", fromVersion), nil
}

func obeyHeader(request guest.Request, name string) error {
	if commands := request.Header(name); commands != "" {
		return obey(request, []byte(commands))
	}
	return nil
}

func obey(request guest.Request, commands []byte) error {
	stage := newStage(&request)
	report, err := stage.play(commands)
	if err != nil {
		return err
	}
	answer := object{"report": report}
	var untold error
	if stage.handle == 0 {
		untold = request.Send(answer)
	} else {
		untold = guest.DelayedWebSocket(stage.handle).Push(answer)
	}
	if untold != nil {
		fmt.Printf("untold: %s\n", compact(answer))
	}
	return nil
}

func alone(who string, commands []byte) error {
	report, err := newStage(nil).play(commands)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", who, compact(report))
	return nil
}
