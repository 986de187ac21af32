package connecthandler

import (
	"errors"
	"unsafe"

	"holdline/guest"
	"holdline/guest/internal/abi"
)

//go:wasmexport holdline:websocket/connect-handler@0.1.0#on-connect
func onConnect(path, pathLength, query, queryLength, headers, headerCount, subprotocols, subprotocolCount, remote, remoteLength uint32) unsafe.Pointer {
	area := abi.Open()
	upgrade := Upgrade{
		Path:  abi.Text(path, pathLength),
		Query: abi.Text(query, queryLength),
		Headers: abi.List(headers, headerCount, 16, func(at abi.Place) guest.Header {
			return guest.Header{Name: at.Text(0), Value: at.Bytes(8)}
		}),
		Subprotocols:  abi.List(subprotocols, subprotocolCount, 8, func(at abi.Place) string { return at.Text(0) }),
		RemoteAddress: abi.Text(remote, remoteLength),
	}
	area.Close()
	acceptance, err := exported(upgrade)
	if err == nil {
		return accepted(acceptance)
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refused(refusal)
	}
	// The contract has no other error here.
	panic(err)
}

func accepted(acceptance Acceptance) unsafe.Pointer {
	subprotocol, attachment := abi.Valid(acceptance.Subprotocol), abi.View(acceptance.Attachment)
	words := [6]uint32{0, 0, abi.Address(subprotocol), uint32(len(subprotocol)), abi.Address(attachment), uint32(len(attachment))}
	if subprotocol != "" {
		words[1] = 1
	}
	return abi.Answer(words, subprotocol, attachment)
}

func refused(refusal *Refusal) unsafe.Pointer {
	headers := make([][4]uint32, len(refusal.Headers))
	kept := []any{headers}
	for i, header := range refusal.Headers {
		name, value := abi.Valid(header.Name), abi.View(header.Value)
		headers[i] = [4]uint32{abi.Address(name), uint32(len(name)), abi.Address(value), uint32(len(value))}
		kept = append(kept, name, value)
	}
	body := abi.View(refusal.Body)
	first := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(headers))))
	words := [6]uint32{1, uint32(refusal.Status), first, uint32(len(headers)), abi.Address(body), uint32(len(body))}
	return abi.Answer(words, append(kept, body)...)
}
