package guest

import (
	"runtime"
	"time"
	"unsafe"

	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

// Channel is a named queue that the plugins of one tenant share. Items are bytes, or JSON with the methods that say so. Those that
// wait are served first come, first served. A call that waits holds no thread of the host.
//
// It is open until somebody calls [Channel.Close]; forgetting it does not close it.
type Channel struct {
	handle uint32
}

var channelErrors = cases{
	{ErrFull, "the channel is full"},
	{ErrTimeout, "the time was over before the item was taken or came"},
	{ErrClosed, "the channel is closed"},
	{ErrUnknown, "no channel of this name is open"},
	{ErrWrongCapacity, "a channel of this name is open with another capacity"},
	{ErrTooLarge, "the item or the capacity is over its limit"},
	{ErrInvalidName, "the name is empty, over 255 bytes, or contains a control character"},
	{ErrNoChannels, "there is no channel to select from"},
	{ErrQuotaExceeded, "the tenant has as many channels, or as many bytes in them, as it may"},
	{ErrInternal, hostFailed},
}

// OpenChannel opens the channel of this name, making it if there is none. The capacity is in items; 0 is a rendezvous: an item
// passes only from hand to hand. A name that was closed can be opened anew once it is drained.
//
// Errors: [ErrWrongCapacity], [ErrInvalidName], [ErrTooLarge] for a capacity over 1,048,576, [ErrQuotaExceeded], and [ErrClosed] for
// a name that was closed and is not drained yet.
func OpenChannel(name string, capacity uint32) (*Channel, error) {
	area := abi.Open()
	defer area.Close()
	host.OpenChannel(abi.Valid(name), capacity, area.Pointer())
	return channelIn(area)
}

// LookupChannel finds a channel that is open, or closed and not drained yet. Errors: [ErrUnknown], [ErrInvalidName].
func LookupChannel(name string) (*Channel, error) {
	area := abi.Open()
	defer area.Close()
	host.LookupChannel(abi.Valid(name), area.Pointer())
	return channelIn(area)
}

func channelIn(area *abi.Area) (*Channel, error) {
	if err := channelErrors.error(area, 4); err != nil {
		return nil, err
	}
	channel := &Channel{handle: area.Uint32(4)}
	runtime.AddCleanup(channel, host.DropChannel, channel.handle)
	return channel, nil
}

// Send puts an item in, waiting without limit for room, or, at capacity 0, for a receiver. Errors: [ErrClosed], [ErrTooLarge],
// [ErrQuotaExceeded].
func (c *Channel) Send(item []byte) error { return c.send(item, 0, 0) }

// SendTimeout does the same, waiting for at most this long. An item that was not taken in time is taken back: nobody will receive
// it. Errors: those of [Channel.Send], [ErrTimeout].
func (c *Channel) SendTimeout(item []byte, timeout time.Duration) error {
	return c.send(item, 1, millis(timeout))
}

// SendJSON puts an item in as JSON, waiting as [Channel.Send] does. Errors: those of [Channel.Send], [ErrJSON].
func (c *Channel) SendJSON(item any) error {
	bytes, err := encoded(item)
	if err != nil {
		return err
	}
	return c.Send(bytes)
}

func (c *Channel) send(item []byte, limited uint32, timeout uint64) error {
	area := abi.Open()
	defer area.Close()
	host.ChannelSend(c.handle, abi.View(item), limited, timeout, area.Pointer())
	runtime.KeepAlive(c)
	return channelErrors.error(area, 1)
}

// Offer puts an item in if that is possible at once. Errors: [ErrFull], [ErrClosed], [ErrTooLarge], [ErrQuotaExceeded].
func (c *Channel) Offer(item []byte) error {
	area := abi.Open()
	defer area.Close()
	host.ChannelOffer(c.handle, abi.View(item), area.Pointer())
	runtime.KeepAlive(c)
	return channelErrors.error(area, 1)
}

// OfferJSON puts an item in as JSON if that is possible at once. Errors: those of [Channel.Offer], [ErrJSON].
func (c *Channel) OfferJSON(item any) error {
	bytes, err := encoded(item)
	if err != nil {
		return err
	}
	return c.Offer(bytes)
}

// Receive takes the next item, waiting for it without limit. Error: [ErrClosed] when it is closed and empty.
func (c *Channel) Receive() ([]byte, error) { return c.receive(0, 0) }

// ReceiveTimeout takes the next item, waiting for it for at most this long. Errors: [ErrClosed], [ErrTimeout].
func (c *Channel) ReceiveTimeout(timeout time.Duration) ([]byte, error) {
	return c.receive(1, millis(timeout))
}

// ReceiveJSON takes the next item, waiting for it without limit, and reads it into the target as [json.Unmarshal] does. Errors:
// [ErrClosed], and [ErrJSON], after which the item is gone: whoever has to know more about it takes it with [Channel.Receive].
func (c *Channel) ReceiveJSON(target any) error {
	item, err := c.Receive()
	if err != nil {
		return err
	}
	return decoded(item, target)
}

// ReceiveJSONTimeout does the same, waiting for at most this long. Errors: those of [Channel.ReceiveJSON], [ErrTimeout].
func (c *Channel) ReceiveJSONTimeout(target any, timeout time.Duration) error {
	item, err := c.ReceiveTimeout(timeout)
	if err != nil {
		return err
	}
	return decoded(item, target)
}

func (c *Channel) receive(limited uint32, timeout uint64) ([]byte, error) {
	area := abi.Open()
	defer area.Close()
	host.ChannelReceive(c.handle, limited, timeout, area.Pointer())
	runtime.KeepAlive(c)
	if err := channelErrors.error(area, 4); err != nil {
		return nil, err
	}
	return area.Bytes(4), nil
}

// Poll takes the next item if there is one now, which ok says. Error: [ErrClosed] when it is closed and empty.
func (c *Channel) Poll() (item []byte, ok bool, err error) { return c.look(host.ChannelPoll) }

// Peek shows the next item, if there is one now, and leaves it where it is. Error: [ErrClosed] when it is closed and empty.
func (c *Channel) Peek() (item []byte, ok bool, err error) { return c.look(host.ChannelPeek) }

func (c *Channel) look(ask func(uint32, unsafe.Pointer)) ([]byte, bool, error) {
	area := abi.Open()
	defer area.Close()
	ask(c.handle, area.Pointer())
	runtime.KeepAlive(c)
	if err := channelErrors.error(area, 4); err != nil || area.Uint8(4) == 0 {
		return nil, false, err
	}
	return area.Bytes(8), true, nil
}

// Len is how many items are in it now.
func (c *Channel) Len() int {
	defer runtime.KeepAlive(c)
	return int(host.ChannelLen(c.handle))
}

// Capacity is how many items it can hold; 0 is a rendezvous.
func (c *Channel) Capacity() int {
	defer runtime.KeepAlive(c)
	return int(host.ChannelCapacity(c.handle))
}

// Close closes it for everyone: nothing more goes in, what it holds can still be received. Closing twice is the same as once.
func (c *Channel) Close() {
	defer runtime.KeepAlive(c)
	host.ChannelClose(c.handle)
}

// Select receives one item from whichever of the channels has one first, waiting without limit, and says from which: its position.
// When several have one, each of them gets its turn. Errors: [ErrClosed] when all of them are closed and empty; [ErrNoChannels].
func Select(channels []*Channel) (position int, item []byte, err error) {
	return choose(channels, 0, 0)
}

// SelectTimeout does the same, waiting for at most this long. Errors: those of [Select], [ErrTimeout].
func SelectTimeout(channels []*Channel, timeout time.Duration) (position int, item []byte, err error) {
	return choose(channels, 1, millis(timeout))
}

func choose(channels []*Channel, limited uint32, timeout uint64) (int, []byte, error) {
	handles := make([]uint32, len(channels))
	for i, channel := range channels {
		handles[i] = channel.handle
	}
	area := abi.Open()
	defer area.Close()
	host.Select(unsafe.Pointer(unsafe.SliceData(handles)), uint32(len(handles)), limited, timeout, area.Pointer())
	runtime.KeepAlive(channels)
	if err := channelErrors.error(area, 4); err != nil {
		return 0, nil, err
	}
	return int(area.Uint32(4)), area.Bytes(8), nil
}
