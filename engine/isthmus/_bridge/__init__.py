"""Carries calls from other threads and event loops to an engine, which has a Trio run in a thread of its own."""
