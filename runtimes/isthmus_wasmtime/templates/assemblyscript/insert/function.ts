// An insert function: what a handler returns goes on. A handler that is left out blocks its type of event;
// fail('DropEvent', ...), or returning '', drops one.
import { Call, run } from './isthmus'

function pass(call: Call): string {
  return call.event
}

export function onTrack(): void {
  run(pass)
}

export function onIdentify(): void {
  run(pass)
}

export function onPage(): void {
  run(pass)
}

export function onScreen(): void {
  run(pass)
}

export function onGroup(): void {
  run(pass)
}

export function onAlias(): void {
  run(pass)
}

export function onDelete(): void {
  run(pass)
}
