// A source function: gets a webhook, and says by isthmus.Send what it means.
// The messages go out only if it ends without an error.
package main

import (
	"encoding/json"

	"function/isthmus"
)

type body struct {
	Event string `json:"event"`
	User  struct {
		ID    string `json:"id"`
		Email string `json:"email,omitempty"`
	} `json:"user"`
	Details map[string]any `json:"details"`
}

type fields = map[string]any

func receive(call isthmus.Call) (any, error) {
	var request isthmus.Request
	if err := call.Decode(&request); err != nil {
		return nil, err
	}
	hook := body{Details: fields{}}
	if request.Body != nil {
		if err := json.Unmarshal([]byte(*request.Body), &hook); err != nil {
			return nil, isthmus.InvalidEventPayload("the webhook is not as expected: %v", err)
		}
	}
	if hook.User.ID == "" {
		return nil, isthmus.InvalidEventPayload("the webhook names no user")
	}

	hook.Details["source"] = "webhook"
	if source := request.Headers.Get("X-Source"); source != "" {
		hook.Details["source"] = source
	}
	identify := fields{"type": "identify", "userId": hook.User.ID, "traits": fields{"email": hook.User.Email}}
	if err := isthmus.Send(identify); err != nil {
		return nil, err
	}
	track := fields{"type": "track", "event": hook.Event, "userId": hook.User.ID, "properties": hook.Details}
	return nil, isthmus.Send(track)
}

//go:wasmexport onRequest
func onRequest() { isthmus.Run(receive) }

func main() {}
