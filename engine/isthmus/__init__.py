"""Runs small functions other people wrote, each call in a sealed world of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._batches import EventBatcher as EventBatcher
from ._engine import Engine as Engine
from ._instances import Instance as Instance
from ._opening import open_engine as open_engine
from ._plugins import PluginInfo as PluginInfo
from ._queues import open_queue as open_queue
from ._slots import Slots as Slots
from .abc import Egress as Egress
from .calls import (
    CallEnded as CallEnded,
    CallEvent as CallEvent,
    CallStarted as CallStarted,
    EngineStats as EngineStats,
    InstanceStats as InstanceStats,
)
from .capabilities import Caller as Caller
from .errors import (
    CapabilityError as CapabilityError,
    EngineClosed as EngineClosed,
    EngineError as EngineError,
    FetchError as FetchError,
    InvalidFunction as InvalidFunction,
    InvalidInput as InvalidInput,
    InvalidSettings as InvalidSettings,
    IsthmusError as IsthmusError,
    LoadError as LoadError,
    PluginError as PluginError,
    QueueError as QueueError,
    QueueFull as QueueFull,
    QueueInUse as QueueInUse,
    RuntimeFault as RuntimeFault,
    TapeError as TapeError,
)
from .events import Event as Event, Request as Request
from .functions import (
    Function as Function,
    Kind as Kind,
    SettingDefinition as SettingDefinition,
    SettingType as SettingType,
)
from .hookspecs import hookimpl as hookimpl
from .limits import Limits as Limits
from .outcomes import (
    Code as Code,
    Exchange as Exchange,
    ItemResult as ItemResult,
    LogLine as LogLine,
    Outcome as Outcome,
    Problem as Problem,
    Status as Status,
    Usage as Usage,
)
from .settings import SettingsSource as SettingsSource

if TYPE_CHECKING:
    from ._pipeline.opening import open_pipeline as open_pipeline
    from ._pipeline.pipeline import Pipeline as Pipeline


def __getattr__(name: str) -> object:
    """Import what a process that only runs functions does without: a tenth of what its start would cost."""
    if name == "open_pipeline":
        from ._pipeline.opening import open_pipeline

        return open_pipeline
    if name == "Pipeline":
        from ._pipeline.pipeline import Pipeline

        return Pipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
