package guest

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
)

func TestACaseIsFoundInAnError(t *testing.T) {
	var err error = &Error{Case: ErrInvalidSchedule, Text: "61 is no second", meaning: timerErrors[0].meaning}

	var refused *Error
	if !errors.Is(err, ErrInvalidSchedule) || errors.Is(err, ErrClosed) || !errors.As(err, &refused) {
		t.Errorf("%#v", err)
	}
	if err.Error() != "invalid schedule: 61 is no second" {
		t.Error(err)
	}
}

func TestAJSONErrorIsThatOfEncodingJSON(t *testing.T) {
	var target struct{ Number int }
	err := TextMessage("{").JSON(&target)

	var syntax *json.SyntaxError
	if !errors.Is(err, ErrJSON) || !errors.As(err, &syntax) {
		t.Errorf("%#v", err)
	}
}

func TestAMessageIsMadeOfAnything(t *testing.T) {
	for _, made := range []struct {
		from any
		want outgoing
	}{
		{"a\xffb", outgoing{kindText, "a\uFFFDb"}},
		{[]byte{0, 255}, outgoing{kindBinary, "\x00\xff"}},
		{[]byte(nil), outgoing{kindBinary, ""}},
		{TextMessage("x"), outgoing{kindText, "x"}},
		{BinaryMessage([]byte("x")), outgoing{kindBinary, "x"}},
		{map[string]any{"b": 1, "a": "<é>"}, outgoing{kindText, `{"a":"<é>","b":1}`}},
		{json.RawMessage(`[1, 2]`), outgoing{kindText, `[1,2]`}},
		{uint64(1<<53 - 1), outgoing{kindText, "9007199254740991"}},
	} {
		if got, err := outgoingOf(made.from); got != made.want || err != nil {
			t.Errorf("%v is %q, %v", made.from, got.data, err)
		}
	}
	if _, err := outgoingOf(func() {}); !errors.Is(err, ErrJSON) {
		t.Error(err)
	}
}

func TestOnlyWhatHasToBeIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"\u2028 \u2029":           "\"\u2028 \u2029\"",
		"\\u2028":                 `"\\u2028"`,
		"\\\u2028":                "\"\\\\\u2028\"",
		"<>&\"\b\f\n\r\t\x00\x1f": `"<>&\"\b\f\n\r\t\u0000\u001f"`,
	} {
		if got, err := encoded(text); string(got) != want || err != nil {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}

func TestAPartOfAMillisecondCountsAsAWholeOne(t *testing.T) {
	for duration, want := range map[time.Duration]uint64{
		-time.Second: 0, 0: 0, 1: 1, time.Millisecond: 1, 1500 * time.Millisecond: 1500, math.MaxInt64: 9223372036855,
	} {
		if got := millis(duration); got != want {
			t.Errorf("%v is %d", duration, got)
		}
	}
	for at, want := range map[time.Time]uint64{
		time.UnixMilli(-5): 0, time.UnixMilli(7): 7, time.UnixMilli(7).Add(1): 8,
	} {
		if got := unixMillis(at); got != want {
			t.Errorf("%v is %d", at, got)
		}
	}
}

func TestTheFirstHeaderOfANameIsFoundInAnyCase(t *testing.T) {
	headers := Headers{{"cookie", []byte("a=1")}, {"cookie", []byte("b=\xff")}}
	if headers.Get("Cookie") != "a=1" || headers[1:].Get("cookie") != "b=\uFFFD" || headers.Get("origin") != "" {
		t.Error(headers)
	}
}

func TestOptionsSayWhatIsSaidAndNoMore(t *testing.T) {
	var how retention
	for _, option := range []RetainOption{Deadline(5 * time.Second), SendOnExpiry("too late")} {
		option(&how)
	}
	if how.hasDeadline != 1 || how.deadline != 5000 || how.hasExpiry != 1 || how.expiry != 2 || how.text != "too late" {
		t.Errorf("%+v", how)
	}
}

func TestWithoutAHostACallPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("somebody answered")
		}
	}()
	Request(1).Path()
}
