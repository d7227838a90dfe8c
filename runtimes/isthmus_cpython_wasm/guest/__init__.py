"""The half that runs in WebAssembly; built into the component together with ``isthmus_cpython.inside`` and ``isthmus_guest``."""
