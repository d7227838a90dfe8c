// A destination function: each handler gets one event and the settings of one instance.
// A handler that is left out makes its type of event unsupported.
package main

import "function/isthmus"

func deliver(call isthmus.Call) (any, error) {
	response, err := isthmus.Fetch(isthmus.Request{
		Method:  "POST",
		URL:     call.Setting("endpoint"),
		Headers: isthmus.Headers{{"Content-Type", "application/json"}},
		Body:    isthmus.Text(string(call.Event)),
	})
	switch {
	case err != nil:
		return nil, isthmus.RetryError("%v", err) // no answer: try again later
	case response.Status >= 500 || response.Status == 429:
		return nil, isthmus.RetryError("the server answered %d", response.Status)
	case response.Status >= 400:
		return nil, isthmus.InvalidEventPayload("the server answered %d", response.Status)
	}
	return nil, nil
}

//go:wasmexport onTrack
func onTrack() { isthmus.Run(deliver) }

//go:wasmexport onIdentify
func onIdentify() { isthmus.Run(deliver) }

//go:wasmexport onPage
func onPage() { isthmus.Run(deliver) }

//go:wasmexport onScreen
func onScreen() { isthmus.Run(deliver) }

//go:wasmexport onGroup
func onGroup() { isthmus.Run(deliver) }

func main() {}
