package timerhandler

import (
	"unsafe"

	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/timer-handler@0.1.0#on-timer
func onTimer(timer uint64, payload, length uint32) unsafe.Pointer {
	area := abi.Open()
	given := abi.Bytes(payload, length)
	area.Close()
	return abi.Outcome(exported(timer, given))
}
