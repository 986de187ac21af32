package main

import (
	"strings"

	"holdline/guest"
)

// ofChannel plays a command of a channel, by its name; nil if it is none.
func (s *stage) ofChannel(c *command) object {
	switch c.Do {
	case "open":
		channel, err := guest.OpenChannel(c.Channel, c.Capacity)
		if err == nil {
			s.channels[c.Channel] = channel
		}
		return done(err)
	case "put":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) {
			if c.TimeoutMs == nil {
				return nil, channel.SendJSON(c.Item)
			}
			return nil, channel.SendTimeout(compact(c.Item), millis(*c.TimeoutMs))
		})
	case "offer":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return nil, channel.OfferJSON(c.Item) })
	case "offer-handle":
		var handle any
		if s.handle != 0 {
			handle = s.handle
		}
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return nil, channel.OfferJSON(handle) })
	case "receive":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) {
			if c.TimeoutMs == nil {
				return shown(channel.Receive())
			}
			return shown(channel.ReceiveTimeout(millis(*c.TimeoutMs)))
		})
	case "poll":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return shownIfAny(channel.Poll()) })
	case "peek":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return shownIfAny(channel.Peek()) })
	case "len":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return channel.Len(), nil })
	case "capacity":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) { return channel.Capacity(), nil })
	case "close-channel":
		return s.on(c.Channel, func(channel *guest.Channel) (any, error) {
			channel.Close()
			return nil, nil
		})
	case "select":
		return outcome(s.choose(c))
	default:
		return nil
	}
}

func (s *stage) on(name string, act func(*guest.Channel) (any, error)) object {
	channel, err := s.channel(name)
	if err != nil {
		return done(err)
	}
	return outcome(act(channel))
}

func (s *stage) channel(name string) (*guest.Channel, error) {
	if channel, ok := s.channels[name]; ok {
		return channel, nil
	}
	channel, err := guest.LookupChannel(name)
	if err == nil {
		s.channels[name] = channel
	}
	return channel, err
}

func (s *stage) choose(c *command) (any, error) {
	var channels []*guest.Channel
	for _, name := range c.Channels {
		channel, err := s.channel(name)
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	choose := guest.Select
	if c.TimeoutMs != nil {
		choose = func(channels []*guest.Channel) (int, []byte, error) {
			return guest.SelectTimeout(channels, millis(*c.TimeoutMs))
		}
	}
	position, item, err := choose(channels)
	if err != nil {
		return nil, err
	}
	value, _ := shown(item, nil)
	return []any{position, value}, nil
}

// shown is the item: they are JSON here, but whoever closed or ended may have put in something else.
func shown(item []byte, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	var value any
	if read(item, &value) != nil {
		return strings.ToValidUTF8(string(item), "\uFFFD"), nil
	}
	return value, nil
}

func shownIfAny(item []byte, ok bool, err error) (any, error) {
	if err != nil || !ok {
		return nil, err
	}
	return shown(item, nil)
}
