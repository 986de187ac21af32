package guest

import (
	"bytes"
	"encoding/json"
)

// encoded is the value as compact JSON that escapes nothing but what it has to. The other SDKs write the same, so that a text
// is the same bytes whichever language sent it.
func encoded(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, jsonError(err)
	}
	return separators(bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))), nil
}

// separators puts the line and paragraph separator in as themselves: encoding/json escapes them for the sake of scripts in pages.
func separators(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u202`)) {
		return text
	}
	plain := make([]byte, 0, len(text))
	for len(text) > 0 {
		switch {
		case bytes.HasPrefix(text, []byte(`\u2028`)):
			plain, text = append(plain, "\u2028"...), text[6:]
		case bytes.HasPrefix(text, []byte(`\u2029`)):
			plain, text = append(plain, "\u2029"...), text[6:]
		case text[0] == '\\':
			// Both characters of an escape, so that an escaped backslash does not begin another one.
			plain, text = append(plain, text[:2]...), text[2:]
		default:
			plain, text = append(plain, text[0]), text[1:]
		}
	}
	return plain
}

func decoded(text []byte, target any) error {
	if err := json.Unmarshal(text, target); err != nil {
		return jsonError(err)
	}
	return nil
}
