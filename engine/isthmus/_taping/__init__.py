"""How calls are recorded, and replayed without what they reached; the values are in :mod:`isthmus.tapes`."""
