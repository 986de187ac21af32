package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"holdline/guest"
)

// stage is where the commands of one event are played, one after the other, and what came of each is written down.
type stage struct {
	// None in a call that belongs to no connection.
	request *guest.Request
	// 0 is never a handle: what was not retained is invalid.
	handle guest.WebSocketHandle
	// Kept for the event, so that what is closed and drained can still be asked.
	channels map[string]*guest.Channel
}

func newStage(request *guest.Request) *stage {
	return &stage{request: request, channels: map[string]*guest.Channel{}}
}

// play gives what came of each.
func (s *stage) play(text []byte) ([]object, error) {
	var commands []command
	if err := read(text, &commands); err != nil {
		return nil, err
	}
	report := []object{}
	for _, command := range commands {
		played, err := s.playOne(&command)
		if err != nil {
			return nil, err
		}
		report = append(report, played)
	}
	return report, nil
}

func (s *stage) playOne(c *command) (object, error) {
	for _, of := range []func(*command) object{s.ofRequest, s.ofHandle, s.ofChannel, beside} {
		if played := of(c); played != nil {
			return played, nil
		}
	}
	switch c.Do {
	case "fail":
		return nil, errors.New(c.Text)
	case "trap":
		panic("as it was told")
	case "trap-until-full":
		channel, err := s.channel(c.Channel)
		if err != nil {
			return nil, err
		}
		if !errors.Is(channel.Offer(nil), guest.ErrFull) {
			panic("as it was told")
		}
		return done(nil), nil
	case "loop":
		for {
		}
	case "eat":
		return outcome(eat(), nil), nil
	case "recurse":
		return outcome(recurse(0), nil), nil
	default:
		return object{"error": "there is no request here"}, nil
	}
}

// beside are commands that need neither a connection nor a channel.
func beside(c *command) object {
	switch c.Do {
	case "timer":
		return outcome(setTimer(c))
	case "cancel-timer":
		return done(guest.CancelTimer(c.Timer))
	case "timers":
		infos := []object{}
		for _, timer := range guest.Timers() {
			infos = append(infos, object{"id": timer.ID, "next-ms": timer.Next.UnixMilli(), "payload": string(timer.Payload)})
		}
		return outcome(infos, nil)
	case "sleep":
		guest.Sleep(millis(c.Ms))
	case "start":
		return outcome(guest.StartWorker(c.Name, compact(c.Commands), c.ExitChannel))
	case "broadcast":
		if c.Path != nil {
			return outcome(guest.BroadcastToPath(*c.Path, c.Text))
		}
		return outcome(guest.BroadcastToConnections(c.IDs, c.Text))
	case "print":
		fmt.Println(c.Text)
	case "print-error":
		fmt.Fprintln(os.Stderr, c.Text)
	default:
		return nil
	}
	return done(nil)
}

func setTimer(c *command) (guest.TimerID, error) {
	missed := map[string]guest.Missed{"burst": guest.Burst, "coalesce": guest.Coalesce}[c.Missed]
	payload := compact(c.Payload)
	switch {
	case c.When.AfterMs != nil:
		return guest.TimerAfter(millis(*c.When.AfterMs), payload)
	case c.When.AtMs != nil:
		return guest.TimerAt(time.UnixMilli(int64(*c.When.AtMs)), payload)
	case c.When.EveryMs != nil:
		return guest.TimerEvery(millis(*c.When.EveryMs), payload, missed)
	default:
		return guest.TimerCron(c.When.Cron.Expression, c.When.Cron.Zone, payload, missed)
	}
}

// millis is so many milliseconds, or the longest duration there is.
func millis(count uint64) time.Duration {
	return time.Duration(min(count, uint64(math.MaxInt64/time.Millisecond))) * time.Millisecond
}

// done is the outcome of what has no value.
func done(err error) object { return outcome(any(nil), err) }

// outcome is a value, or the name of the error's case, and its text where it has one.
func outcome[T any](value T, err error) object {
	var refused *guest.Error
	switch {
	case err == nil:
		return object{"ok": value}
	case !errors.As(err, &refused):
		return object{"error": err.Error()}
	case refused.Text != "":
		return object{"error": pascal(string(refused.Case)), "text": refused.Text}
	default:
		return object{"error": pascal(string(refused.Case))}
	}
}

// pascal makes AlreadyRetained of already-retained.
func pascal(kebab string) string {
	var name strings.Builder
	for _, word := range strings.Split(kebab, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

// eat takes memory until there is no more.
func eat() int {
	var eaten [][]byte
	for len(eaten) <= 1<<12 {
		eaten = append(eaten, make([]byte, 1<<20))
	}
	return len(eaten)
}

// recurse goes deeper than any stack is.
func recurse(depth uint64) uint64 {
	room := [64]uint64{depth}
	return recurse(depth+1) + room[depth%64]
}
