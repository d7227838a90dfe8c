"""Hypothesis without its clock: a busy machine is not a failure."""

from hypothesis import settings

settings.register_profile("isthmus", deadline=None)
settings.load_profile("isthmus")
