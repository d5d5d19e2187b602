"""Whether a model may be loaded now, and with which settings. Pure.

Rules: memory that is free at this moment decides, swap never counts; the ladder of galosh.fit
is climbed down only as far as needed, and the asker is told what was given up; what cannot be
forecast is loaded as wanted, never refused on a guess; a model beside which another stays
gets its first rung or nothing; an override takes the first rung whatever the memory says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.load_plan import Admitted, LoadWish
from galosh.supervisor.request import Notice

if TYPE_CHECKING:  # an idle daemon does without the forecast's modules
    from galosh.fit.budget import Room
    from galosh.fit.ladder import Rung

BESIDE = "supervisor-no-room-beside"


class Admission(Protocol):
    """Says how a wish may be fulfilled. Blocking: never from the event loop."""

    def admit(self, wish: LoadWish, build_id: str | None) -> Admitted:
        """The plan. Raises RefusalError, GaloshError `gguf-…`."""


class RefusalError(GaloshError):
    """There is no room. instead: a smaller model that there is room for; None if none."""

    instead: StoredModel | None = None


def choose(ladder: Sequence[Rung], wish: LoadWish) -> Rung | None:
    """The rung to load with; None: there is no room. `ladder`: at least one, best first."""
    first = ladder[0]
    if wish.below_bytes is not None:
        ladder = [rung for rung in ladder if rung.memory.lasting_bytes < wish.below_bytes]
    elif wish.override or first.verdict.kind == "unknown":
        return first
    fitting = [rung for rung in ladder if rung.verdict.kind in ("fits", "unknown")]
    if wish.beside_bytes is not None:
        return first if first in fitting else None
    return fitting[0] if fitting else None


def notice(first: Rung, chosen: Rung, wish: LoadWish, room: Room) -> Notice | None:
    """What the asker should know of the choice; None when all is as wanted."""
    facts = {
        "model": wish.model.title,
        "needed_bytes": first.verdict.needed_bytes,
        "free_bytes": room.now_bytes or 0,
    }
    if chosen is first:
        tight = first.verdict.kind not in ("fits", "unknown")
        return Notice("supervisor.notice-overridden", facts) if tight else None
    facts["context_tokens"] = chosen.settings.context_tokens
    facts["wanted_tokens"] = first.settings.context_tokens
    coarser = chosen.settings.cache_type != first.settings.cache_type
    key = "supervisor.notice-coarser" if coarser else "supervisor.notice-shorter"
    return Notice(key, facts)


def refusal(ladder: Sequence[Rung], wish: LoadWish, room: Room, programs: str) -> RefusalError:
    """Why nothing fits: what is needed, what is free, what could be closed."""
    least = min(ladder, key=lambda rung: rung.verdict.needed_bytes)
    needed, free = least.verdict.needed_bytes, room.now_bytes or 0
    most = room.most_bytes
    # Closing programs would not help a model that is too large for the whole PC.
    never = most is not None and needed > most
    code = "supervisor-never-room" if never else "supervisor-no-room"
    return RefusalError(
        code,
        model_id=wish.model.id,
        needed_bytes=needed,
        free_bytes=free,
        close_bytes=least.verdict.close_bytes or max(0, needed - free),
        most_bytes=most or 0,
        programs=programs or "–",
    )


def smaller(models: Sequence[StoredModel], than: StoredModel) -> tuple[StoredModel, ...]:
    """The sound models on disk that are smaller, the largest first."""
    found = [m for m in models if m.error is None and m.size_bytes < than.size_bytes]
    return tuple(sorted(found, key=lambda model: (-model.size_bytes, model.id)))
