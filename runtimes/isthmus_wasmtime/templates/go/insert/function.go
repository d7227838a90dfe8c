// An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
// isthmus.DropEvent, or returning nil, drops one.
package main

import "function/isthmus"

func pass(call isthmus.Call) (any, error) {
	return call.Event, nil
}

//go:wasmexport onTrack
func onTrack() { isthmus.Run(pass) }

//go:wasmexport onIdentify
func onIdentify() { isthmus.Run(pass) }

//go:wasmexport onPage
func onPage() { isthmus.Run(pass) }

//go:wasmexport onScreen
func onScreen() { isthmus.Run(pass) }

//go:wasmexport onGroup
func onGroup() { isthmus.Run(pass) }

//go:wasmexport onAlias
func onAlias() { isthmus.Run(pass) }

//go:wasmexport onDelete
func onDelete() { isthmus.Run(pass) }

func main() {}
