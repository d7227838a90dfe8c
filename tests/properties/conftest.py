"""Hypothesis without its clock: a busy machine is not a failure."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "properties",
    deadline=None,
    max_examples=5,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # what is drawn is a batch: made small, it is no smaller to read
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("properties")
