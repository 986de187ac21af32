package guest

import (
	"runtime"
	"unsafe"

	"holdline/guest/internal/abi"
	"holdline/guest/internal/host"
)

var broadcastErrors = cases{
	{ErrTooLarge, "the message is over the message limit"},
	{ErrInternal, hostFailed},
}

// The audiences, in the order of the contract.
const (
	ofPath = iota
	ofConnections
)

// BroadcastToPath sends a message to all connections of the tenant whose path is this one or lies below it, held ones included:
// /chat is /chat and /chat/blue, and not /chatter. What a message can be: see [Request.Send]. It returns how many took it into their
// outbox; those whose outbox is full or that are closing do not.
//
// Errors, with nothing sent: [ErrTooLarge], [ErrJSON]. Reaching no connection is no error, but 0.
func BroadcastToPath(path string, message any) (int, error) {
	path = abi.Valid(path)
	return broadcast(ofPath, unsafe.Pointer(unsafe.StringData(path)), len(path), message)
}

// BroadcastToConnections sends it to these connections. Ids that are not connected are passed over; an id given twice gets it once.
// Otherwise it is as [BroadcastToPath].
func BroadcastToConnections(ids []ConnectionID, message any) (int, error) {
	pairs := make([][2]uint32, len(ids))
	kept := make([]string, len(ids))
	for i, id := range ids {
		kept[i] = abi.Valid(id)
		pairs[i] = [2]uint32{abi.Address(kept[i]), uint32(len(kept[i]))}
	}
	defer runtime.KeepAlive(kept)
	return broadcast(ofConnections, unsafe.Pointer(unsafe.SliceData(pairs)), len(pairs), message)
}

func broadcast(audience uint32, first unsafe.Pointer, length int, message any) (int, error) {
	sent, err := outgoingOf(message)
	if err != nil {
		return 0, err
	}
	area := abi.Open()
	defer area.Close()
	host.Broadcast(audience, first, uint32(length), sent.kind, sent.data, area.Pointer())
	if err := broadcastErrors.error(area, 4); err != nil {
		return 0, err
	}
	return int(area.Uint32(4)), nil
}
