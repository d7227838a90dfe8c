"""Components: WIT read, values carried across, and what of WASI 0.2 a world without authority gives."""
