// Package host declares the functions of the contract that a plugin imports, flattened as the canonical ABI has them.
//
// A string is an address and a length: of a text or of any list of bytes. Where a result does not fit into a number, the
// last parameter is the place that the host writes it to.
package host

import "unsafe"

// The interface requests.

//go:wasmimport holdline:websocket/requests@0.1.0 retain-web-socket
func Retain(request uint64, given, hasDeadline uint32, deadline uint64, hasExpiry, expiry, first uint32, text string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 send-web-socket
func Send(request uint64, kind uint32, data string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 close-web-socket
func Close(request uint64, given, code uint32, reason string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 web-socket-id
func ID(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 path
func Path(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 query
func Query(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 headers
func Headers(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 subprotocol
func Subprotocol(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 remote-address
func RemoteAddress(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 attachment
func Attachment(request uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/requests@0.1.0 set-attachment
func SetAttachment(request uint64, bytes string, result unsafe.Pointer)

// The interface delayed.

//go:wasmimport holdline:websocket/delayed@0.1.0 [constructor]delayed-web-socket
func NewDelayed(handle uint64) uint32

//go:wasmimport holdline:websocket/delayed@0.1.0 [resource-drop]delayed-web-socket
func DropDelayed(socket uint32)

//go:wasmimport holdline:websocket/delayed@0.1.0 [static]delayed-web-socket.send
func DelayedSend(socket uint32, kind uint32, data string, given, confirm uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [static]delayed-web-socket.close
func DelayedClose(socket uint32, given, code uint32, reason string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [static]delayed-web-socket.release
func DelayedRelease(socket uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [static]delayed-web-socket.send-after
func DelayedSendAfter(socket uint32, kind uint32, data string, delay uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [static]delayed-web-socket.send-at
func DelayedSendAt(socket uint32, kind uint32, data string, time uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [method]delayed-web-socket.push
func DelayedPush(socket uint32, kind uint32, data string, given, confirm uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 [method]delayed-web-socket.extend
func DelayedExtend(socket uint32, deadline uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/delayed@0.1.0 cancel
func CancelDelivery(delivery uint64, result unsafe.Pointer)

// The interface channels.

//go:wasmimport holdline:websocket/channels@0.1.0 [static]channel.open
func OpenChannel(name string, capacity uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [static]channel.lookup
func LookupChannel(name string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [resource-drop]channel
func DropChannel(channel uint32)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.send
func ChannelSend(channel uint32, item string, limited uint32, timeout uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.offer
func ChannelOffer(channel uint32, item string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.receive
func ChannelReceive(channel uint32, limited uint32, timeout uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.poll
func ChannelPoll(channel uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.peek
func ChannelPeek(channel uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.len
func ChannelLen(channel uint32) uint32

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.capacity
func ChannelCapacity(channel uint32) uint32

//go:wasmimport holdline:websocket/channels@0.1.0 [method]channel.close
func ChannelClose(channel uint32)

//go:wasmimport holdline:websocket/channels@0.1.0 select
func Select(channels unsafe.Pointer, count uint32, limited uint32, timeout uint64, result unsafe.Pointer)

// The interface timers.

//go:wasmimport holdline:websocket/timers@0.1.0 set
func SetTimer(schedule uint32, first uint64, length uint32, hasZone uint32, zone string, payload string, missed uint32, result unsafe.Pointer)

//go:wasmimport holdline:websocket/timers@0.1.0 cancel
func CancelTimer(timer uint64, result unsafe.Pointer)

//go:wasmimport holdline:websocket/timers@0.1.0 list
func Timers(result unsafe.Pointer)

//go:wasmimport holdline:websocket/timers@0.1.0 sleep
func Sleep(delay uint64)

// The interfaces workers and broadcast.

//go:wasmimport holdline:websocket/workers@0.1.0 start
func StartWorker(name string, argument string, hasExit uint32, exit string, result unsafe.Pointer)

//go:wasmimport holdline:websocket/broadcast@0.1.0 send
func Broadcast(audience uint32, first unsafe.Pointer, length uint32, kind uint32, data string, result unsafe.Pointer)
