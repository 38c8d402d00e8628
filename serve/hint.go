package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"unicode"
	"unicode/utf8"
)

// asBody says how to send a picture.
const asBody = "send the bytes of the file, as curl --data-binary @garden.jpg does, or a form with files, as curl -F file=@garden.jpg does"

// hint returns advice for a client that sent JSON, base64 or text instead of a picture's bytes, or "".
func hint(r *http.Request, body []byte) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	text := bytes.TrimSpace(body)
	switch {
	case kind == "application/json" || len(text) > 0 && (text[0] == '{' || text[0] == '[') && json.Valid(text):
		return "; it is JSON: " + asBody
	case isBase64(text):
		return "; it is base64: " + asBody
	case isText(body) && len(body) < 1000:
		return "; it is text: " + asBody + " (mind the @)"
	}
	return ""
}

// isBase64 reports whether a text is a picture in base64, perhaps as a data URL.
func isBase64(text []byte) bool {
	if bytes.HasPrefix(text, []byte("data:")) {
		return true
	}
	const some = 64 // characters, which are enough to tell
	text = text[:min(some, len(text))]
	text = text[:len(text)/4*4]
	decoded := make([]byte, some)
	n, err := base64.StdEncoding.Decode(decoded, text)
	if err != nil || n < 16 {
		return false
	}
	return !isText(decoded[:n]) // a word of letters is base64 too
}

// isText reports whether all of a body is readable text.
func isText(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	for _, c := range string(body) {
		if !unicode.IsPrint(c) && !unicode.IsSpace(c) {
			return false
		}
	}
	return true
}
