//go:build !wasm

// Package host has no host outside of WebAssembly: whoever asks it, as a unit test may by mistake, panics.
package host

import "unsafe"

const absent = "holdline: there is no host here"

func Retain(request uint64, given, hasDeadline uint32, deadline uint64, hasExpiry, expiry, first uint32, text string, result unsafe.Pointer) {
	panic(absent)
}

func Send(request uint64, kind uint32, data string, result unsafe.Pointer) { panic(absent) }

func Close(request uint64, given, code uint32, reason string, result unsafe.Pointer) { panic(absent) }

func ID(request uint64, result unsafe.Pointer) { panic(absent) }

func Path(request uint64, result unsafe.Pointer) { panic(absent) }

func Query(request uint64, result unsafe.Pointer) { panic(absent) }

func Headers(request uint64, result unsafe.Pointer) { panic(absent) }

func Subprotocol(request uint64, result unsafe.Pointer) { panic(absent) }

func RemoteAddress(request uint64, result unsafe.Pointer) { panic(absent) }

func Attachment(request uint64, result unsafe.Pointer) { panic(absent) }

func SetAttachment(request uint64, bytes string, result unsafe.Pointer) { panic(absent) }

func NewDelayed(handle uint64) uint32 { panic(absent) }

func DropDelayed(socket uint32) { panic(absent) }

func DelayedSend(socket uint32, kind uint32, data string, given, confirm uint32, result unsafe.Pointer) {
	panic(absent)
}

func DelayedClose(socket uint32, given, code uint32, reason string, result unsafe.Pointer) {
	panic(absent)
}

func DelayedRelease(socket uint32, result unsafe.Pointer) { panic(absent) }

func DelayedSendAfter(socket uint32, kind uint32, data string, delay uint64, result unsafe.Pointer) {
	panic(absent)
}

func DelayedSendAt(socket uint32, kind uint32, data string, time uint64, result unsafe.Pointer) {
	panic(absent)
}

func DelayedPush(socket uint32, kind uint32, data string, given, confirm uint32, result unsafe.Pointer) {
	panic(absent)
}

func DelayedExtend(socket uint32, deadline uint64, result unsafe.Pointer) { panic(absent) }

func CancelDelivery(delivery uint64, result unsafe.Pointer) { panic(absent) }

func OpenChannel(name string, capacity uint32, result unsafe.Pointer) { panic(absent) }

func LookupChannel(name string, result unsafe.Pointer) { panic(absent) }

func DropChannel(channel uint32) { panic(absent) }

func ChannelSend(channel uint32, item string, limited uint32, timeout uint64, result unsafe.Pointer) {
	panic(absent)
}

func ChannelOffer(channel uint32, item string, result unsafe.Pointer) { panic(absent) }

func ChannelReceive(channel uint32, limited uint32, timeout uint64, result unsafe.Pointer) {
	panic(absent)
}

func ChannelPoll(channel uint32, result unsafe.Pointer) { panic(absent) }

func ChannelPeek(channel uint32, result unsafe.Pointer) { panic(absent) }

func ChannelLen(channel uint32) uint32 { panic(absent) }

func ChannelCapacity(channel uint32) uint32 { panic(absent) }

func ChannelClose(channel uint32) { panic(absent) }

func Select(channels unsafe.Pointer, count uint32, limited uint32, timeout uint64, result unsafe.Pointer) {
	panic(absent)
}

func SetTimer(schedule uint32, first uint64, length uint32, hasZone uint32, zone string, payload string, missed uint32, result unsafe.Pointer) {
	panic(absent)
}

func CancelTimer(timer uint64, result unsafe.Pointer) { panic(absent) }

func Timers(result unsafe.Pointer) { panic(absent) }

func Sleep(delay uint64) { panic(absent) }

func StartWorker(name string, argument string, hasExit uint32, exit string, result unsafe.Pointer) {
	panic(absent)
}

func Broadcast(audience uint32, first unsafe.Pointer, length uint32, kind uint32, data string, result unsafe.Pointer) {
	panic(absent)
}
