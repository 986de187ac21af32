package main

import (
	"bytes"
	"encoding/json"
)

type object = map[string]any

// command is one of them, as it is written in JSON: {"do": "send", "text": "hello"}. One that names a handle and leaves it out means
// the one that this event was given.
type command struct {
	Do string `json:"do"`

	Handle     *uint64 `json:"handle"`
	DeadlineMs *uint64 `json:"deadline-ms"`
	Expiry     *expiry `json:"expiry"`
	Text       string  `json:"text"`
	Value      any     `json:"value"`
	Count      int     `json:"count"`
	Code       *uint16 `json:"code"`
	Reason     string  `json:"reason"`
	DelayMs    uint64  `json:"delay-ms"`
	UnixMs     uint64  `json:"unix-ms"`
	Delivery   uint64  `json:"delivery"`

	Channel   string   `json:"channel"`
	Channels  []string `json:"channels"`
	Capacity  uint32   `json:"capacity"`
	Item      any      `json:"item"`
	TimeoutMs *uint64  `json:"timeout-ms"`

	When        when     `json:"when"`
	Payload     any      `json:"payload"`
	Missed      string   `json:"missed"`
	Timer       uint64   `json:"timer"`
	Ms          uint64   `json:"ms"`
	Name        string   `json:"name"`
	Commands    any      `json:"commands"`
	ExitChannel string   `json:"exit-channel"`
	Path        *string  `json:"path"`
	IDs         []string `json:"ids"`
}

// expiry is what happens at the deadline: "resume", or an object that says more.
type expiry struct {
	Close *struct {
		Code   uint16 `json:"code"`
		Reason string `json:"reason"`
	} `json:"close"`
	Send *struct {
		Text string `json:"text"`
	} `json:"send"`
}

func (e *expiry) UnmarshalJSON(text []byte) error {
	if string(text) == `"resume"` {
		return nil
	}
	type plain expiry
	return read(text, (*plain)(e))
}

// when is when a timer runs.
type when struct {
	AfterMs *uint64 `json:"after-ms"`
	AtMs    *uint64 `json:"at-ms"`
	EveryMs *uint64 `json:"every-ms"`
	Cron    struct {
		Expression string `json:"expression"`
		Zone       string `json:"zone"`
	} `json:"cron"`
}

// read takes no field that it does not know, and leaves numbers as they are written.
func read(text []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(target)
}

// compact is the value as the SDK would write it.
func compact(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(buffer.Bytes())
}
