"""Processes that run a share of a run's events: Python lets one thread of a process run at a time."""
