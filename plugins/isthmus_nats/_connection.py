"""One connection to a cluster, within asyncio: questions with answers, and patience while a leader is elected."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import Any, Final, Self, TypeVar, final

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from isthmus.errors import EngineError, QueueError

from ._address import Address
from ._answers import A, Refused, decode
from ._waits import Waits

__all__ = ["Away", "Connection", "status_of"]

logger = logging.getLogger("isthmus.nats")

CONNECT: Final = 10.0  # seconds for a first connection
ANSWER: Final = (
    5.0  # seconds for one answer; longer than an election takes would hold up what could be asked anew
)
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0

T = TypeVar("T")


class Away(Exception):
    """Nobody answered: the connection is lost, a leader is missing, a server is stuck."""


@final
class Connection:
    """A connection that mends itself.

    Args:
        address: of the cluster.

    Attributes:
        waits: how long it was waited for.
    """

    def __init__(self, address: Address) -> None:
        self.waits = Waits()
        self._address = address
        self._client = Client()
        self._answers: dict[str, Callable[[Msg], None]] = {}
        self._lost: dict[str, asyncio.Future[Any]] = {}
        self._inbox = ""
        self._number = 0
        self._said = ""
        self._rejected = asyncio.Event()
        self._untrusted = 0  # servers whose certificate was not taken, or that did not take ours
        self._whole = asyncio.Event()

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connect.

        Raises:
            EngineError: a credential that the address names is not there.
            QueueError: no server answers, or none lets us in.
        """
        self = cls(address)
        options = _credentials(address) | _tls(address)
        rejected = asyncio.create_task(self._rejected.wait())  # the client itself would try for ever
        end = time.monotonic() + CONNECT
        try:
            # One that hangs up has not said why, as where its refusal is lost behind the end of the connection.
            while not await self._connected(options, rejected, end):  # noqa: ASYNC110 -- there is no event for it
                await asyncio.sleep(_FIRST_PAUSE)
        finally:
            rejected.cancel()
        self._whole.set()
        return self

    async def _connected(self, options: dict[str, Any], rejected: asyncio.Task[Any], end: float) -> bool:
        """Connect; false where a server hung up, and there is time to ask it again.

        Raises:
            QueueError: as of :meth:`open`.
        """
        self._client = Client()
        connecting = asyncio.create_task(
            self._client.connect(
                servers=list(self._address.servers),
                name="isthmus",
                error_cb=self._failed,
                disconnected_cb=self._disconnected,
                reconnected_cb=self._reconnected,
                connect_timeout=2,
                reconnect_time_wait=0.2,  # type: ignore[arg-type] # it takes fractions
                max_reconnect_attempts=-1,
                ping_interval=2,  # a server that hangs or is cut off is left after six seconds
                max_outstanding_pings=2,
                pending_size=64 * 2**20,
                **options,
            )
        )
        left = end - time.monotonic()
        try:
            await asyncio.wait({connecting, rejected}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise QueueError(self._unusable(f"no connection within {CONNECT:g} s"))
            connecting.result()
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.*", cb=self._answered, pending_bytes_limit=0)
        except (nats.errors.Error, OSError) as exc:
            await self.close()
            hung_up = isinstance(exc, ConnectionError | nats.errors.ConnectionClosedError)
            if hung_up and not self._rejected.is_set() and time.monotonic() < end:
                return False
            raise QueueError(self._unusable(_said(exc))) from exc
        except BaseException:
            connecting.cancel()
            await self.close()
            raise
        return True

    def _unusable(self, why: str) -> str:
        servers = ", ".join(self._address.servers)
        return f"no server of {servers} can be used: {self._said or why}"

    async def close(self) -> None:
        """Say goodbye, without waiting long for a server that is gone."""
        try:
            async with asyncio.timeout(2):
                await self._client.close()
        except (TimeoutError, nats.errors.Error, OSError) as exc:
            logger.debug("closing the connection: %s", _said(exc))

    @property
    def server(self) -> Mapping[str, Any]:
        """What the server connected to said of itself: ``version``, ``server_name``, ``max_payload``, ..."""
        info: Mapping[str, Any] = self._client._server_info  # noqa: SLF001 -- not in its public face
        return info

    # ------------------------------------------------------------ asking

    def counts(self) -> tuple[bool, int, int, int]:
        """Whether a server is connected, how often it was again, and the messages that came and went; from any thread."""
        stats = self._client.stats
        return self._client.is_connected, stats["reconnects"], stats["in_msgs"], stats["out_msgs"]

    async def send(
        self, subject: str, data: bytes = b"", *, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Publish without asking for an answer.

        Raises:
            Away: there is no connection.
        """
        if not self._client.is_connected:
            raise Away("not connected")
        try:
            await self._client.publish(subject, data, reply=reply, headers=headers)
        except (nats.errors.Error, OSError) as exc:
            raise Away(_said(exc)) from exc

    def expect(self) -> tuple[str, asyncio.Future[Msg]]:
        """A subject for one answer, and the answer; it fails at once when the connection is lost."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        reply = self.on_answer(lambda message: None if future.done() else future.set_result(message))
        self._lost[reply] = future
        future.add_done_callback(lambda _: self.forget(reply))
        return reply, future

    def on_answer(self, handler: Callable[[Msg], None]) -> str:
        """A subject whose messages go to a handler, until it is forgotten."""
        self._number += 1
        reply = f"{self._inbox}.{self._number}"
        self._answers[reply] = handler
        return reply

    def forget(self, reply: str) -> None:
        """Leave later messages to a subject unheard."""
        self._answers.pop(reply, None)
        self._lost.pop(reply, None)

    async def ask(self, subject: str, data: bytes = b"", *, headers: dict[str, str] | None = None) -> bytes:
        """Publish and have the answer's body.

        Raises:
            Away: there is none.
        """
        reply, future = self.expect()
        try:
            await self.send(subject, data, reply=reply, headers=headers)
            return await answer_of(future)
        finally:
            future.cancel()

    async def api(self, verb: str, kind: type[A], question: Mapping[str, Any] | None = None) -> A:
        """Ask JetStream's API, again while nobody answers.

        Args:
            verb: what stands behind ``$JS.API.``.
            kind: of the answer.
            question: the request.

        Raises:
            Refused: the server says no.
            QueueError: nobody answered.
        """
        body = msgspec.json.encode(question) if question is not None else b""

        async def once() -> A:
            return decode(await self.ask(f"$JS.API.{verb}", body), kind, doing=f"asked for {verb}")

        return await self.patiently(once)

    async def subscribe(self, handler: Callable[[Msg], Awaitable[None]]) -> tuple[str, Subscription]:
        """An inbox ``X`` of one's own, heard at ``X.*``, so that no message is sent there once it is drained.

        Raises:
            Away: there is no connection.
        """
        inbox = self._client.new_inbox()
        try:
            return inbox, await self._client.subscribe(f"{inbox}.*", cb=handler, pending_bytes_limit=0)
        except (nats.errors.Error, OSError) as exc:
            raise Away(_said(exc)) from exc

    async def patiently(self, attempt: Callable[[], Awaitable[T]], *, until: float | None = None) -> T:
        """Do something again while nobody answers, with growing pauses, each a little different.

        Args:
            attempt: what to do; doing it twice must do no harm.
            until: on the monotonic clock; by default as far off as the address says.

        Raises:
            QueueError: nobody answered in all that time.
        """
        end = time.monotonic() + self._address.patience if until is None else until
        pause = _FIRST_PAUSE
        with ExitStack() as unanswered:
            while True:
                try:
                    return await attempt()
                except (Away, Refused) as exc:
                    if isinstance(exc, Refused) and not exc.passing:
                        raise
                    left = end - time.monotonic()
                    if left <= 0:
                        raise QueueError(f"the cluster does not answer: {exc}") from exc
                if pause == _FIRST_PAUSE:
                    unanswered.enter_context(self.waits.away())
                await asyncio.sleep(min(left, pause * random.uniform(0.5, 1.0)))  # noqa: S311 -- no secret
                pause = min(2 * pause, _LONGEST_PAUSE)
                await self._until_whole(end)

    async def _until_whole(self, end: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await self._whole.wait()
        except TimeoutError:
            return

    # ------------------------------------------------------------ what the client tells

    async def _answered(self, message: Msg) -> None:
        handler = self._answers.get(message.subject)
        if handler is not None:
            handler(message)

    async def _disconnected(self) -> None:
        self._whole.clear()
        for future in list(self._lost.values()):
            if not future.done():
                future.set_exception(Away("the connection was lost"))

    async def _reconnected(self) -> None:
        self._whole.set()
        logger.info("connected again")

    async def _failed(self, exc: Exception) -> None:
        if self._rejected.is_set():
            return  # what is heard after a refusal says less than it
        self._said = _said(exc)
        # A certificate that is not taken will not be taken the next time; another server may have a better one.
        self._untrusted += isinstance(exc, ssl.SSLError)
        if "authorization violation" in self._said.lower() or self._untrusted >= len(self._address.servers):
            self._rejected.set()
        logger.debug("%s", self._said)


async def answer_of(future: asyncio.Future[Msg]) -> bytes:
    """Wait for the body of an answer that is expected.

    Raises:
        Away: none came, or nobody was there to give one.
    """
    try:
        async with asyncio.timeout(ANSWER):
            message = await future
    except TimeoutError:
        raise Away(f"no answer within {ANSWER:g} s") from None
    if status_of(message) == "503":
        raise Away("nobody is there to answer; a leader may be missing")
    return message.data


def status_of(message: Msg) -> str:
    """What a message is that carries no data: ``404``, ``408``, ...; "" for one that does."""
    headers = message.headers
    return headers.get("Status", "") if headers else ""


def _credentials(address: Address) -> dict[str, Any]:
    if address.credentials:
        return {"user_credentials": address.credentials}
    named = {"user": address.user, "password": address.password, "token": address.token}
    values = {}
    for option, variable in named.items():
        if not variable:
            continue
        if not os.environ.get(variable):
            raise EngineError(f"the environment has no {variable}, which the option {option} names")
        values[option] = os.environ[variable]
    return values


def _tls(address: Address) -> dict[str, Any]:
    if not (address.tls or address.ca or address.cert):
        return {}
    context = ssl.create_default_context(cafile=address.ca or None)
    if address.cert:
        context.load_cert_chain(address.cert, address.key)
    return {"tls": context}


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
