"""One file a target: its first line is the invariant, its ``check`` holds one input against it."""
