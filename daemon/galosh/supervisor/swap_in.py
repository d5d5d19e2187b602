"""A model that was fetched in the background takes over: tried first, then made the default.

Owns the trial (it loads, and one short answer comes) and the decision whether the user still
wants it. What was in use before stays in use if anything is wrong. Never cuts an answer off.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol, cast

from galosh.base.errors import GaloshError
from galosh.supervisor.request import Event, GenerationRequest, LoadedModel, Priority, TextPiece

_TRIAL_TOKENS = 8
_QUESTION = ({"role": "user", "content": "Say hello."},)


class Stage(Protocol):
    """What a swap needs of the supervisor."""

    async def want(self, model_id: str | None) -> LoadedModel | None:
        """Make this the wanted model and load it."""

    def generate(self, request: GenerationRequest) -> AsyncIterator[Event]:
        """An answer."""

    def status(self) -> dict[str, object]:
        """Wanted and actual state."""


@dataclass(frozen=True)
class Candidate:
    """The model that would take over. replaces: the default it may take over from."""

    model_id: str
    replaces: str | None


class SwapIn:
    """See the module."""

    def __init__(
        self,
        stage: Stage,
        default: Callable[[], str],
        change: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._stage = stage
        self._default = default
        self._change = change

    async def run(self, candidate: Candidate) -> None:
        """Try the candidate and make it the default.

        Raises GaloshError `supervisor-swap-unwanted` (the user has chosen since),
        `supervisor-swap-silent`, or what loading it raises (`supervisor-no-room` …); the
        model before is the wanted one again then. Whether both are loaded for a while is for
        the memory to say: see `hand_over`.
        """
        before = self._stage.status().get("wanted")
        chosen = {self._default() or None, before} - {None, candidate.model_id}
        if chosen - {candidate.replaces}:
            raise GaloshError(
                "supervisor-swap-unwanted", model_id=candidate.model_id,
                chosen=str(min(chosen - {candidate.replaces}, key=str)),
            )  # fmt: skip
        await self._stage.want(candidate.model_id)
        try:
            await self._try(candidate)
        except GaloshError:
            if isinstance(before, str):
                await self._stage.want(before)
            raise
        await self._change("model.default", candidate.model_id)

    async def _try(self, candidate: Candidate) -> None:
        request = GenerationRequest(
            messages=_QUESTION,
            model_id=candidate.model_id,
            max_tokens=_TRIAL_TOKENS,
            priority=Priority.BACKGROUND,
        )
        events = cast("AsyncGenerator[Event, None]", self._stage.generate(request))
        async with aclosing(events) as stream:
            pieces = [event.text async for event in stream if isinstance(event, TextPiece)]
        if not "".join(pieces).strip():
            raise GaloshError("supervisor-swap-silent", model_id=candidate.model_id)
