"""What an embedder decides by: when an event is tried again, which instances one reaches, what a queue takes.

Pure functions over values, without a clock and without I/O, so that whatever keeps the events and the
attempts, a queue or a table, has the same rules.
"""

from __future__ import annotations

from ._rules.conditions import Condition as Condition, condition as condition
from ._rules.entries import (
    LONGEST_DELAY as LONGEST_DELAY,
    REASON_LENGTH as REASON_LENGTH,
    check_batch as check_batch,
    check_entries as check_entries,
    check_name as check_name,
    check_retries as check_retries,
)
from ._rules.jsontext import fields_of as fields_of, well_formed as well_formed
from ._rules.retry import (
    DESTINATION as DESTINATION,
    LONGEST_RETRY_AFTER as LONGEST_RETRY_AFTER,
    SCHEDULES as SCHEDULES,
    SOURCE as SOURCE,
    SOURCE_INSERT as SOURCE_INSERT,
    Decision as Decision,
    Delivered as Delivered,
    Dropped as Dropped,
    Refused as Refused,
    RetryAt as RetryAt,
    Schedule as Schedule,
    decide as decide,
)
from ._rules.routing import (
    Route as Route,
    Routed as Routed,
    enabled_by_integrations as enabled_by_integrations,
    options_of as options_of,
    route as route,
)
from ._rules.times import times as times
