"""Pages on functions: the list, a new one, and the editor that they are saved and tried out from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.responses import Response

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.api.functions import DEPLOY, EDIT, READ
from isthmus_server.api.problems import Problem, problem_of
from isthmus_server.api.sources import SOURCE_ADMINS
from isthmus_server.store import (
    Page as Part,
    ResourceType,
    Role,
    Source,
    StoredFunction,
    Transaction,
    Unfit,
    function_id,
)

from .deliverylog import event_in
from .forms import Form
from .starters import SamplePayload, payload_of, samples, starters
from .trying import Trial, definitions_of, try_out
from .visits import Page, Visit

__all__ = ["PAGES"]

ALL: Final = Part(count=1000)
MOST_CAPTURED: Final = 8
"""Webhooks that are offered for a trial."""
TITLES: Final[Mapping[ResourceType, tuple[str, str]]] = {
    ResourceType.SOURCE: ("Source functions", "turn webhooks into events"),
    ResourceType.DESTINATION: ("Destination functions", "send events on to where they are wanted"),
    ResourceType.INSERT_SOURCE: (
        "Source inserts",
        "change or drop events of a source before anything gets them",
    ),
    ResourceType.INSERT_DESTINATION: (
        "Destination inserts",
        "change or drop events on their way to one destination",
    ),
}


def address(function: StoredFunction) -> str:
    """The path of a function's page."""
    return f"/functions/{function_id(function.resource_type, function.id)}"


# ------------------------------------------------------------ the list, and a new one


async def _home(visit: Visit) -> Response:
    """The first section that may be seen."""
    first = next(iter(visit.menu.values()), f"{visit.rendering.root}/functions")
    return visit.go(first.removeprefix(visit.rendering.root))


async def _list(visit: Visit) -> Response:
    def read(tx: Transaction) -> list[tuple[ResourceType, list[StoredFunction]]]:
        return [(kind, tx.functions.page(kind, ALL, only=visit.functions)[0]) for kind in TITLES]

    return visit.show("functions.html", groups=await visit.store.read(read), titles=TITLES, address=address)


async def _new(visit: Visit) -> Response:
    return _show_new(visit)


def _show_new(visit: Visit, problems: Mapping[str, str] | None = None, status: int = 200) -> Response:
    kind = visit.form.text("kind") or visit.query.text("kind", ResourceType.DESTINATION)
    return visit.show(
        "new_function.html",
        status,
        titles=TITLES,
        kind=kind if kind in TITLES else ResourceType.DESTINATION,
        starters=[each for each in starters().values() if each.language in visit.services.engine.runtimes],
        name=visit.form.text("name"),
        chosen=visit.form.text("starter"),
        problems=problems or {},
    )


async def _create(visit: Visit) -> Response:
    starter = starters().get(visit.form.text("starter"))
    if starter is None:
        return _show_new(visit, {"starter": "Choose what it is to begin with."}, 422)
    body = {
        "resourceType": starter.resource_type.value,
        "displayName": visit.form.text("name").strip(),
        "description": visit.form.text("description").strip(),
        "language": starter.language,
        "code": starter.code,
        "settings": [_written(each) for each in starter.settings],
    }
    try:
        made = (await visit.operate("createFunction", body=body)).function
    except Problem as exc:
        return _show_new(visit, _by_field(exc), exc.status)
    return visit.go(f"/functions/{made.id}", "created")


# ------------------------------------------------------------ the editor


async def _edit(visit: Visit) -> Response:
    return await _show_editor(visit)


async def _show_editor(
    visit: Visit,
    *,
    status: int = 200,
    problems: Mapping[str, str] | None = None,
    trial: Trial | None = None,
) -> Response:
    """The editor, filled with what was sent, else with what is kept."""

    def read(tx: Transaction) -> tuple[StoredFunction, list[Source], list[tuple[str, str]], int]:
        function = tx.functions.get(visit.path["functionId"])
        sources = [each for each in tx.sources.page(ALL)[0] if each.function == function.id]
        users = [
            (f"/destinations/{each.id}", each.name)
            for each in tx.destinations.page(ALL)[0]
            if each.function == function.id
        ]
        users += [
            (f"/inserts/{each.id}", each.name or function.display_name)
            for each in tx.inserts.page(ALL)[0]
            if each.function == function.id
        ]
        return function, sources, users, tx.functions.versions(function.id, Part(count=1))[1]

    function, sources, users, versions = await visit.store.read(read)
    sent = visit.form if "code" in visit.form else None
    payloads = (*await _delivered(visit), *_captured(visit, sources), *samples(function.resource_type))
    return visit.show(
        "editor.html",
        status,
        function=function,
        address=address(function),
        title=TITLES[function.resource_type][0],
        users=users,
        sources=sources,
        versions=versions,
        name=sent.text("name") if sent else function.display_name,
        description=sent.text("description") if sent else function.description,
        code=sent.text("code") if sent else function.code,
        definitions=definitions_of(sent) if sent else function.settings,
        types=list(SettingType),
        payloads=payloads,
        payload=sent.text("payload") if sent else payloads[0].text,
        given=sent or Form([]),
        problems=problems or {},
        trial=trial,
        may_edit=_may(visit, EDIT),
        may_deploy=_may(visit, DEPLOY),
        may_connect=_may(visit, SOURCE_ADMINS),
    )


async def _delivered(visit: Visit) -> list[SamplePayload]:
    """The event of the delivery that somebody came here from, as long as it is in the archive and they may see it."""
    id_, archive = visit.query.text("delivery"), visit.live.archive
    if not id_ or archive is None or not archive.is_dir() or not _may(visit, SOURCE_ADMINS):
        return []
    event = await visit.look(event_in, archive, id_)
    return [] if event is None else [payload_of("the event of that delivery", event)]


def _captured(visit: Visit, sources: Sequence[Source]) -> list[SamplePayload]:
    """The last webhooks that came for the sources of a function, if they may see them."""
    captured = visit.live.captured
    if captured is None or not _may(visit, SOURCE_ADMINS):
        return []
    found = [(each, source) for source in sources for each in captured.of(source.id)]
    found.sort(key=lambda each: each[0].at, reverse=True)
    return [
        payload_of(
            f"came {datetime.fromtimestamp(each.at, UTC):%H:%M:%S} UTC to {source.name or source.slug}",
            each.payload,
        )
        for each, source in found[:MOST_CAPTURED]
    ]


def _may(visit: Visit, roles: frozenset[Role]) -> bool:
    return any(grant.role in roles for grant in visit.token.grants)


async def _save(visit: Visit) -> Response:
    had: StoredFunction = await visit.store.read(lambda tx: tx.functions.get(visit.path["functionId"]))
    if visit.form.text("latest") != had.latest:
        said = {
            "": "Somebody has saved this function since you opened it. What you see is yours; the versions have theirs. "
            "Save again to put yours over it."
        }
        return await _show_editor(visit, status=409, problems=said)
    body: dict[str, object] = {
        "displayName": visit.form.text("name").strip(),
        "description": visit.form.text("description").strip(),
    }
    definitions = definitions_of(visit.form)
    if visit.form.text("code") != had.code or "again" in visit.form:
        body["code"] = visit.form.text("code")
    if definitions != had.settings:
        body["settings"] = [_written(each) for each in definitions]
    try:
        await visit.operate("updateFunction", visit.path, body=body)
    except Problem as exc:
        return await _show_editor(visit, status=exc.status, problems=_by_field(exc))
    except Unfit as exc:
        return await _show_editor(visit, status=422, problems=_by_field(problem_of(exc)))
    return visit.go(f"/functions/{visit.path['functionId']}", "saved")


async def _try(visit: Visit) -> Response:
    function: StoredFunction = await visit.store.read(lambda tx: tx.functions.get(visit.path["functionId"]))
    trial = await try_out(visit, function)
    if visit.is_partial:
        return visit.show("trial.html", trial=trial)
    return await _show_editor(visit, trial=trial)


async def _delete(visit: Visit) -> Response:
    await visit.operate("deleteFunction", visit.path)
    return visit.go("/functions", "deleted")


def _written(definition: SettingDefinition) -> Any:
    return msgspec.to_builtins(definition)


def _by_field(exc: Problem) -> dict[str, str]:
    """What is said of each field; what is of none is under ""."""
    names = {"displayName": "name"}
    found: dict[str, str] = {}
    for each in exc.errors:
        field = (each.field or "").partition("[")[0].partition(".")[0]
        found.setdefault(names.get(field, field), each.message or each.type)
    return found


def _page(method: Any, path: str, handler: Any, roles: frozenset[Role] = EDIT, **more: Any) -> Page:
    return Page(method=method, path=path, roles=roles, scoped=True, handler=handler, **more)


PAGES: Final = (
    Page(method="GET", path="/", roles=frozenset(Role), scoped=True, handler=_home),
    _page("GET", "/functions", _list, READ, section="Functions"),
    Page(method="GET", path="/functions/new", roles=EDIT, handler=_new),
    Page(method="POST", path="/functions/new", roles=EDIT, handler=_create),
    _page("GET", "/functions/{functionId}", _edit, READ),
    _page("POST", "/functions/{functionId}", _save),
    _page("POST", "/functions/{functionId}/try", _try),
    _page("POST", "/functions/{functionId}/delete", _delete),
)
