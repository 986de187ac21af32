package channelhandler

import (
	"unsafe"

	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/channel-handler@0.1.0#on-item
func onItem(channel, channelLength, item, itemLength uint32) unsafe.Pointer {
	area := abi.Open()
	from, given := abi.Text(channel, channelLength), abi.Bytes(item, itemLength)
	area.Close()
	return abi.Outcome(exported(from, given))
}
