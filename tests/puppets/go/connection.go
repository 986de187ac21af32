package main

import (
	"bytes"
	"strings"
	"time"

	"holdline/guest"
)

// ofRequest plays a command of the request under way; nil if it is none, or there is no request.
func (s *stage) ofRequest(c *command) object {
	if s.request == nil {
		return nil
	}
	request := *s.request
	switch c.Do {
	case "describe":
		return outcome(describe(request), nil)
	case "retain":
		handle, err := request.RetainWebSocket(options(c)...)
		if err == nil {
			s.handle = handle
		}
		return outcome(handle, err)
	case "send":
		return done(request.Send(c.Text))
	case "send-json":
		return done(request.SendJSON(c.Value))
	case "send-bytes":
		return done(request.Send(bytes.Repeat([]byte("x"), c.Count)))
	case "close":
		if c.Code == nil {
			return done(request.Close())
		}
		return done(request.CloseWith(*c.Code, c.Reason))
	case "attachment":
		return outcome(string(request.Attachment()), nil)
	case "attach":
		return done(request.SetAttachment([]byte(c.Text)))
	case "attach-bytes":
		return done(request.SetAttachment(make([]byte, c.Count)))
	default:
		return nil
	}
}

func options(c *command) []guest.RetainOption {
	var options []guest.RetainOption
	if c.DeadlineMs != nil {
		options = append(options, guest.Deadline(millis(*c.DeadlineMs)))
	}
	switch {
	case c.Expiry == nil:
	case c.Expiry.Close != nil:
		options = append(options, guest.CloseOnExpiry(c.Expiry.Close.Code, c.Expiry.Close.Reason))
	case c.Expiry.Send != nil:
		options = append(options, guest.SendOnExpiry(c.Expiry.Send.Text))
	default:
		options = append(options, guest.ResumeOnExpiry())
	}
	return options
}

func describe(request guest.Request) object {
	headers := [][2]string{}
	for _, header := range request.Headers() {
		headers = append(headers, [2]string{header.Name, strings.ToValidUTF8(string(header.Value), "\uFFFD")})
	}
	var subprotocol any
	if agreed := request.Subprotocol(); agreed != "" {
		subprotocol = agreed
	}
	return object{
		"id":             request.ID(),
		"path":           request.Path(),
		"query":          request.Query(),
		"headers":        headers,
		"subprotocol":    subprotocol,
		"remote-address": request.RemoteAddress(),
	}
}

// ofHandle plays a command of whoever knows a handle; nil if it is none.
func (s *stage) ofHandle(c *command) object {
	held := guest.DelayedWebSocket(s.handle)
	if c.Handle != nil {
		held = guest.DelayedWebSocket(*c.Handle)
	}
	switch c.Do {
	case "deliver":
		return done(held.Send(c.Text))
	case "deliver-json":
		return done(held.SendJSON(c.Value))
	case "deliver-confirmed":
		return done(held.SendConfirmed(c.Text))
	case "push":
		return done(held.Push(c.Text))
	case "push-bytes":
		return done(held.Push(bytes.Repeat([]byte("x"), c.Count)))
	case "close-held":
		if c.Code == nil {
			return done(held.Close())
		}
		return done(held.CloseWith(*c.Code, c.Reason))
	case "release":
		return done(held.Release())
	case "extend":
		return done(held.Extend(millis(*c.DeadlineMs)))
	case "send-after":
		return outcome(held.SendAfter(c.Text, millis(c.DelayMs)))
	case "send-at":
		return outcome(held.SendAt(c.Text, time.UnixMilli(int64(c.UnixMs))))
	case "cancel":
		return outcome(guest.CancelDelivery(c.Delivery))
	default:
		return nil
	}
}
