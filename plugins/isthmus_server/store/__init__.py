"""What functions, sources, destinations and tokens there are, kept in SQLite or PostgreSQL.

::

    async with open_store("data") as store:
        source = await store.write(lambda tx: tx.sources.create("web", HTTP_API, {}, enabled=True))
        snapshot = await store.snapshot()

Whatever happens, happens in a transaction: a function that is given a :class:`Transaction`, and run in a thread.
"""

from __future__ import annotations

from isthmus_server._extra import of_the_extra

with of_the_extra():
    import alembic as _alembic  # noqa: F401 -- only to see that it is there
    import sqlalchemy as _sqlalchemy  # noqa: F401

from .bounds import UNBOUNDED as UNBOUNDED, WORKSPACE as WORKSPACE, Bounds as Bounds
from .catalog import (
    BUILT_IN as BUILT_IN,
    HTTP_API as HTTP_API,
    WEBHOOKS as WEBHOOKS,
    CatalogEntry as CatalogEntry,
)
from .counting import counting as counting
from .delivery_counts import Count as Count, CountKey as CountKey, Step as Step
from .faults import (
    Conflict as Conflict,
    Dangling as Dangling,
    FieldProblem as FieldProblem,
    NotFound as NotFound,
    Refused as Refused,
    StoreError as StoreError,
    Unfit as Unfit,
)
from .functions import Draft as Draft
from .ids import (
    class_id as class_id,
    deployed_source_id as deployed_source_id,
    function_id as function_id,
    new_class_id as new_class_id,
    new_hex_id as new_hex_id,
    new_source_id as new_source_id,
)
from .instance_settings import EMPTY as EMPTY, put as put
from .metering import NOTHING_LOCKED as NOTHING_LOCKED, Locks as Locks, Meter as Meter, metering as metering
from .opening import open_store as open_store
from .sealing import KEY_VARIABLE as KEY_VARIABLE, KeyRing as KeyRing, new_key as new_key
from .sessions import Session as Session, Sessions as Sessions
from .snapshots import (
    RunnableDestination as RunnableDestination,
    RunnableFunction as RunnableFunction,
    RunnableSource as RunnableSource,
    Snapshot as Snapshot,
)
from .store import Store as Store
from .transactions import Transaction as Transaction
from .usage import NOTICES as NOTICES, Standing as Standing, UsedBy as UsedBy, UsedOn as UsedOn
from .values import (
    AS_USUAL as AS_USUAL,
    MASK as MASK,
    AuditEvent as AuditEvent,
    Destination as Destination,
    Grant as Grant,
    InsertInstance as InsertInstance,
    Page as Page,
    ResourceType as ResourceType,
    Role as Role,
    Running as Running,
    Secret as Secret,
    SettingValues as SettingValues,
    Source as Source,
    StoredFunction as StoredFunction,
    Token as Token,
    Version as Version,
    Workspace as Workspace,
)
from .webhooks import webhook_token as webhook_token
