// Package isthmus is for functions in Go.
//
//	//go:wasmexport onTrack
//	func onTrack() {
//		isthmus.Run(func(call isthmus.Call) (any, error) {
//			var event struct{ Event string }
//			if err := call.Decode(&event); err != nil {
//				return nil, err
//			}
//			if event.Event != "Order Completed" {
//				return nil, isthmus.EventNotSupported("%s is not sent on", event.Event)
//			}
//			return nil, nil
//		})
//	}
//
// An export named as a handler is one; what is left out makes its type of event unsupported. What a handler prints on
// standard error is logged too.
package isthmus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unsafe"
)

// Call is one call of one handler.
type Call struct {
	// Handler is its name: onTrack.
	Handler string
	// Event is JSON: the event; for onBatch an array of events; for onRequest the request (see Request).
	Event json.RawMessage
	// Settings is JSON: an object.
	Settings json.RawMessage
}

// Decode reads the event into a value, as encoding/json does.
func (call Call) Decode(value any) error {
	if err := json.Unmarshal(call.Event, value); err != nil {
		return InvalidEventPayload("%v", err)
	}
	return nil
}

// Setting is a setting's text, "" where it has none.
func (call Call) Setting(name string) string {
	settings := map[string]any{}
	_ = json.Unmarshal(call.Settings, &settings)
	text, _ := settings[name].(string)
	return text
}

// Headers are pairs of name and value, in order.
type Headers [][2]string

// Get is the first header of a name in any case, "" where there is none.
func (headers Headers) Get(name string) string {
	for _, header := range headers {
		if strings.EqualFold(header[0], name) {
			return header[1]
		}
	}
	return ""
}

// Request is a webhook, as onRequest gets it, or a request for Fetch. Body is text, or Base64 of bytes that are none.
type Request struct {
	URL     string  `json:"url"`
	Method  string  `json:"method"`
	Headers Headers `json:"headers"`
	Body    *string `json:"body"`
	Base64  bool    `json:"base64,omitempty"`
}

// Response is what came of a request.
type Response struct {
	Status  int     `json:"status"`
	Headers Headers `json:"headers"`
	Body    string  `json:"body"`
	Base64  bool    `json:"base64"`
}

// Error is an error with the name that isthmus goes by.
type Error struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func (err *Error) Error() string { return err.Message }

func named(name, format string, arguments []any) error {
	return &Error{name, fmt.Sprintf(format, arguments...)}
}

// RetryError has the event tried again later.
func RetryError(format string, arguments ...any) error { return named("RetryError", format, arguments) }

// EventNotSupported refuses an event of which the function knows nothing.
func EventNotSupported(format string, arguments ...any) error {
	return named("EventNotSupported", format, arguments)
}

// InvalidEventPayload refuses an event that is not as it should be.
func InvalidEventPayload(format string, arguments ...any) error {
	return named("InvalidEventPayload", format, arguments)
}

// ValidationError refuses an event, as InvalidEventPayload does.
func ValidationError(format string, arguments ...any) error {
	return named("ValidationError", format, arguments)
}

// DropEvent has an insert leave its event out.
func DropEvent(format string, arguments ...any) error { return named("DropEvent", format, arguments) }

// Run runs a handler on the call that is there, and hands out what it returns; nil is nothing.
func Run(handler func(Call) (any, error)) {
	var call struct {
		Handler  string          `json:"handler"`
		Event    json.RawMessage `json:"event"`
		Events   json.RawMessage `json:"events"`
		Request  json.RawMessage `json:"request"`
		Settings json.RawMessage `json:"settings"`
	}
	input, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = json.Unmarshal(input, &call)
	}
	var value any
	if err == nil {
		event := append(append(call.Event, call.Events...), call.Request...)
		value, err = handler(Call{call.Handler, event, call.Settings})
	}
	reply := map[string]any{"return": value}
	if err != nil {
		named := &Error{}
		if !errors.As(err, &named) {
			named = &Error{"Error", err.Error()}
		}
		reply = map[string]any{"error": named}
	} else if value == nil {
		return
	}
	os.Stdout.Write(encoded(reply))
}

// Log writes a line to the log; level is debug, info, warn or error.
func Log(level, format string, arguments ...any) {
	_, _ = Ask(map[string]any{"op": "log", "level": level, "text": fmt.Sprintf(format, arguments...)})
}

// Send sends a message of a source function: {"type": "track", "event": ..., "userId": ...}.
func Send(message any) error {
	_, err := Ask(map[string]any{"op": "send", "message": message})
	return err
}

// Fetch sends a request; without a response the error is named FetchError.
func Fetch(request Request) (Response, error) {
	var response Response
	if request.Headers == nil {
		request.Headers = Headers{}
	}
	if request.Method == "" {
		request.Method = "GET"
	}
	value, err := Ask(struct {
		Op string `json:"op"`
		Request
	}{"fetch", request})
	if err == nil {
		err = json.Unmarshal(value, &response)
	}
	return response, err
}

// Text is a body of a request.
func Text(text string) *string { return &text }

// Ask asks the host anything it knows (fetch, sleep, cache_load, cache_store, ...): the value it answers with.
func Ask(request any) (json.RawMessage, error) {
	text := encoded(request)
	length := ask(unsafe.Pointer(unsafe.SliceData(text)), uint32(len(text)))
	answered := make([]byte, length+1)
	answer(unsafe.Pointer(unsafe.SliceData(answered)))
	runtime.KeepAlive(text)
	var reply struct {
		Value json.RawMessage `json:"value"`
		Error *Error          `json:"error"`
	}
	if err := json.Unmarshal(answered[:length], &reply); err != nil {
		return nil, err
	}
	if reply.Error != nil {
		return nil, reply.Error
	}
	return reply.Value, nil
}

func encoded(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

//go:wasmimport isthmus ask
func ask(at unsafe.Pointer, length uint32) uint32

//go:wasmimport isthmus answer
func answer(at unsafe.Pointer)
