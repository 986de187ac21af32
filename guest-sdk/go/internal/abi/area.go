package abi

import "unsafe"

// Area is where the host writes the result of one call. What it holds is read before it is closed.
type Area struct {
	Place
	// The largest result is that of timers.set.
	words *[3]uint64
}

// open counts the areas, and the arguments of exports, that are still being read. Goroutines may take turns over them.
var open int

// Open makes an area, and keeps what the host writes from now on.
func Open() *Area {
	// First of all: making the area may let another goroutine run, which may close the last one but this.
	open++
	words := new([3]uint64)
	return &Area{Place: Place(uintptr(unsafe.Pointer(words))), words: words}
}

// Close gives the memory back that the host has written to, once nobody reads there any more.
func (a *Area) Close() {
	a.words = nil
	open--
	if open == 0 {
		reuse()
	}
}

// Pointer is what a call takes for its result.
func (a *Area) Pointer() unsafe.Pointer { return unsafe.Pointer(a.words) }

// Failed says whether the result is the error.
func (a *Area) Failed() bool { return a.Uint8(0) != 0 }

// answer is the result of an export until the host has read it. An instance is in one export at a time, so one is enough.
var answer struct {
	words [6]uint32
	// What the words point to. The numbers alone would not keep it.
	kept []any
}

// Answer is the result of an export, with everything that its words point to.
func Answer(words [6]uint32, kept ...any) unsafe.Pointer {
	answer.words = words
	answer.kept = kept
	return unsafe.Pointer(&answer.words)
}

// Outcome is the result of an export that returns nothing or the text of an error.
func Outcome(err error) unsafe.Pointer {
	if err == nil {
		return Answer([6]uint32{})
	}
	text := Valid(err.Error())
	return Answer([6]uint32{1, Address(text), uint32(len(text))}, text)
}
