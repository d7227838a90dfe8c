"""What runs in the zygote and its children, round the WebAssembly in them."""
