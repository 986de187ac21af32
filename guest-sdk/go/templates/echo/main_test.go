package main

import (
	"testing"

	"holdline/guest"
)

func TestAMessageComesBackAsItWas(t *testing.T) {
	if text, ok := answer(guest.TextMessage("hello")).Text(); text != "hello" || !ok {
		t.Errorf("%q, %v", text, ok)
	}
}
