"""For every folder of tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Hundreds of processes are started: where bytecode may not be kept, each compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A busy machine is no failure: no example is held to a time, nor what makes examples.
settings.register_profile("isthmus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("isthmus")
