package abi

import "unsafe"

// The host asks for memory in the middle of a call that it makes or answers. At that moment the guest may not call out, and
// Go's garbage collector does: it looks at the clock. So this memory is not the collector's; what is in it is copied at once.

// sbrk takes memory from the end of linear memory, where Go's heap takes its own.
//
//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

func outOfMemory()

// started says that Go runs. What is asked for before is the WASI adapter's, which keeps it.
var started bool

func init() { started = true }

// room is the memory that the host writes to, again and again.
var room struct{ start, next, end uintptr }

// leastRoom is a page: sbrk gives no less.
const leastRoom = 64 << 10

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	var place unsafe.Pointer
	if started {
		place = inRoom(uintptr(align), uintptr(size))
	} else {
		place = sbrk(uintptr(size))
	}
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(place), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return place
}

// inRoom gives memory that is good until the room is reused.
func inRoom(align, size uintptr) unsafe.Pointer {
	start := aligned(room.next, align)
	if start+size > room.end {
		// What was given of the old room may still be read, so that it is left alone. Doubling bounds what is left behind.
		length := max(leastRoom, 2*(room.end-room.start), aligned(size, leastRoom))
		start = uintptr(sbrk(length))
		if start == 0 {
			outOfMemory()
		}
		room.start, room.end = start, start+length
	}
	room.next = start + size
	return Place(start).at(0)
}

func aligned(place, align uintptr) uintptr { return (place + align - 1) &^ (align - 1) }

func reuse() { room.next = room.start }
