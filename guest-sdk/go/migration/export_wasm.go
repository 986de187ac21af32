package migration

import (
	"unsafe"

	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/migration@0.1.0#migrate
func migrate(attachment, length, fromVersion, fromVersionLength uint32) unsafe.Pointer {
	area := abi.Open()
	given, from := abi.Bytes(attachment, length), abi.Text(fromVersion, fromVersionLength)
	area.Close()
	made, err := exported(given, from)
	if err != nil {
		return abi.Outcome(err)
	}
	answer := abi.View(made)
	return abi.Answer([6]uint32{0, abi.Address(answer), uint32(len(answer))}, answer)
}
