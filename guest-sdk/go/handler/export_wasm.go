package handler

import (
	"unsafe"

	"holdline/guest"
	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/handler@0.1.0#on-open
func onOpen(request uint64) unsafe.Pointer {
	return abi.Outcome(exported.Open(guest.Request(request)))
}

//go:wasmexport holdline:websocket/handler@0.1.0#on-message
func onMessage(request uint64, kind, address, length uint32) unsafe.Pointer {
	return abi.Outcome(exported.Message(guest.Request(request), received(kind, address, length)))
}

//go:wasmexport holdline:websocket/handler@0.1.0#on-close
func onClose(request uint64, hasFrame, code, reason, length, clean uint32) unsafe.Pointer {
	return abi.Outcome(exported.Close(guest.Request(request), ended(hasFrame, code, reason, length, clean)))
}

func received(kind, address, length uint32) guest.Message {
	area := abi.Open()
	defer area.Close()
	if kind == 0 {
		return guest.TextMessage(abi.Text(address, length))
	}
	return guest.BinaryMessage(abi.Bytes(address, length))
}

func ended(hasFrame, code, reason, length, clean uint32) CloseInfo {
	area := abi.Open()
	defer area.Close()
	info := CloseInfo{Clean: clean != 0}
	if hasFrame != 0 {
		info.Frame = &guest.CloseFrame{Code: uint16(code), Reason: abi.Text(reason, length)}
	}
	return info
}
