"""Hunts for inputs that break a promise, and replays those that were worth keeping."""
