package main

import (
	"testing"

	"holdline/guest"
)

func TestATimerThatIsGoneIsNoError(t *testing.T) {
	if err := known(guest.ErrUnknown); err != nil {
		t.Error(err)
	}
	if known(guest.ErrInternal) == nil || known(nil) != nil {
		t.Error("only that it is gone is passed over")
	}
}
