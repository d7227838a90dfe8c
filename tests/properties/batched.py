"""Properties whose examples are batches of events: few of them are drawn, and none is made small."""

from __future__ import annotations

from hypothesis import Phase, settings

__all__ = ["batched"]


def batched(examples: int) -> settings:
    """Settings of such a property: each example starts a runtime, and a smaller batch is no easier to read.

    Args:
        examples: how many are drawn, beside those that are given.
    """
    return settings(max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate])
