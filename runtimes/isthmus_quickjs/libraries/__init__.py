"""Segment's preinstalled libraries: which there are, how they are bundled, and where a machine has them."""
