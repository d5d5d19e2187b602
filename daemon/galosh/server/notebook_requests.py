"""What the notebook page asks of sheets and talks, as checked values. Pure.

Texts are valid Unicode; positions are whole numbers within a sheet's greatest length. Whether
an edit fits the sheet is for the sheet to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galosh.base.texts import say
from galosh.server import fields
from galosh.server.fields import Json
from galosh.store.sheet import MAX_MARKS, MAX_UNITS, Edit, Mark
from galosh.store.talk import ROLES

MAX_EDITS = 500
MAX_TITLE = 200
MAX_MESSAGE = 1_000_000
MAX_SEARCH = 200
_MAX_VERSION = 2**53
_MAX_ID = 64
_MAX_MODEL = 256


@dataclass(frozen=True)
class NewSheet:
    """`POST notebooks`."""

    title: str
    text: str


@dataclass(frozen=True)
class EditWish:
    """`POST notebooks/{id}/edits`. marks None: as the edits leave them."""

    base_version: int
    edits: Sequence[Edit]
    marks: Sequence[Mark] | None


@dataclass(frozen=True)
class ListWish:
    """`GET notebooks`, `GET chats`. deleted: what lies in the bin."""

    search: str
    deleted: bool


def parse_list(query: Json) -> ListWish:
    """`?search=…` or `?deleted=true`."""
    fields.only(query, frozenset({"search", "deleted"}))
    deleted = fields.one_of(query, "deleted", ("true", "false")) == "true"
    return ListWish(fields.text(query, "search", 0, MAX_SEARCH) or "", deleted)


def parse_new_sheet(data: Json) -> NewSheet:
    """Both parts may be absent."""
    fields.only(data, frozenset({"title", "text"}))
    text = fields.text(data, "text", 0, MAX_UNITS)
    return NewSheet(_title(data) or "", text or "")


def parse_title(data: Json) -> str:
    """`PATCH notebooks/{id}`."""
    fields.only(data, frozenset({"title"}))
    return fields.needed_text(data, "title", 0, MAX_TITLE).strip()


def parse_edits(data: Json) -> EditWish:
    """`POST notebooks/{id}/edits`."""
    fields.only(data, frozenset({"base_version", "edits", "marks"}))
    base = _needed_whole(data, "base_version", _MAX_VERSION)
    edits = data.get("edits")
    if not isinstance(edits, list) or not 1 <= len(edits) <= MAX_EDITS:
        raise fields.wrong("edits", edits, say("server.want.edits", high=MAX_EDITS))
    found = tuple(_edit(f"edits[{index}]", one) for index, one in enumerate(edits))
    return EditWish(base, found, _marks(data.get("marks")))


def parse_new_chat(data: Json) -> str:
    """`POST chats`: the title."""
    fields.only(data, frozenset({"title"}))
    return _title(data) or ""


def parse_chat_change(data: Json) -> dict[str, object]:
    """`PATCH chats/{id}` {"title"?, "head"?}."""
    fields.only(data, frozenset({"title", "head"}))
    changes: dict[str, object] = {}
    if (title := _title(data)) is not None:
        changes["title"] = title
    if (head := fields.text(data, "head", 1, _MAX_ID)) is not None:
        changes["head"] = head
    if not changes:
        raise fields.wrong("title", None, say("server.want.text", low=0, high=MAX_TITLE))
    return changes


def parse_node(data: Json) -> dict[str, object]:
    """`POST chats/{id}/nodes`: a message without the id and the time that it gets."""
    fields.only(data, frozenset({"parent", "role", "text", *_TOLD}))
    role = fields.one_of(data, "role", ROLES)
    if role is None:
        raise fields.wrong("role", None, say("server.want.known", names=", ".join(ROLES)))
    return {
        "parent": fields.text(data, "parent", 1, _MAX_ID),
        "role": role,
        "text": fields.needed_text(data, "text", 0, MAX_MESSAGE),
        **_told(data),
    }


def parse_node_change(data: Json) -> dict[str, object]:
    """`PATCH chats/{id}/nodes/{node}`: what is to stand there instead."""
    fields.only(data, frozenset({"text", *_TOLD}))
    text = fields.text(data, "text", 0, MAX_MESSAGE)
    changes = ({} if text is None else {"text": text}) | _told(data)
    if not changes:
        raise fields.wrong("text", None, say("server.want.text", low=0, high=MAX_MESSAGE))
    return changes


_TOLD = ("thoughts", "model", "speed")


def _told(data: Json) -> dict[str, object]:
    """What is known of how an answer came to be."""
    found = {
        "thoughts": fields.text(data, "thoughts", 0, MAX_MESSAGE),
        "model": fields.text(data, "model", 0, _MAX_MODEL),
        "speed": fields.number(data, "speed", 0, 1e9),
    }
    return {name: value for name, value in found.items() if value is not None}


def _title(data: Json) -> str | None:
    title = fields.text(data, "title", 0, MAX_TITLE)
    return None if title is None else title.strip()


def _edit(place: str, value: object) -> Edit:
    data = fields.checked_table(place, value)
    fields.only(data, frozenset({"at", "remove", "insert"}), f"{place}.")
    insert = fields.checked_text(f"{place}.insert", data.get("insert", ""), 0, MAX_UNITS)
    return Edit(_needed_whole(data, "at", MAX_UNITS), _needed_whole(data, "remove", MAX_UNITS),
                insert)  # fmt: skip


def _needed_whole(data: Json, name: str, high: int) -> int:
    found = fields.integer(data, name, 0, high)
    if found is None:
        raise fields.wrong(name, None, say("server.want.integer", low=0, high=high))
    return found


def _marks(value: object) -> tuple[Mark, ...] | None:
    if value is None:
        return None
    expected = say("server.want.marks", high=MAX_MARKS)
    if not isinstance(value, list) or len(value) > MAX_MARKS:
        raise fields.wrong("marks", value, expected)
    found: list[Mark] = []
    for index, pair in enumerate(value):
        good = isinstance(pair, list) and len(pair) == 2
        if not good or not all(type(end) is int and 0 <= end <= MAX_UNITS for end in pair):
            raise fields.wrong(f"marks[{index}]", pair, expected)
        found.append((pair[0], pair[1]))
    return tuple(found)
