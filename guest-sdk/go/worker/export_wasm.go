package worker

import (
	"unsafe"

	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/worker@0.1.0#run
func run(name, nameLength, argument, argumentLength uint32) unsafe.Pointer {
	area := abi.Open()
	called, given := abi.Text(name, nameLength), abi.Bytes(argument, argumentLength)
	area.Close()
	return abi.Outcome(exported(called, given))
}
