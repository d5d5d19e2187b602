"""The page's talks: on disk, or in memory alone while the user wants no history.

- With history on, a change is on the drive before it is acknowledged.
- With history off, nothing new is written: new talks, and whatever is added to earlier ones,
  live in memory until galosh stops. What was on disk before stays there as it was.
- Switched on again, a talk goes to disk whole with its next change.

Blocking; safe to call from several threads.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store.drawer import Codes, Drawer
from galosh.store.talk import Node, Talk, restored

_JOURNAL_BYTES = 256 * 1024
_LOOSE = 64  # talks in memory; the one that was changed longest ago makes room
_CODES = Codes(unknown="notebook-chat-unknown", damaged="notebook-chat-damaged")

Row = dict[str, object]


@dataclass(frozen=True)
class Chat:
    """A talk, and whether all of it is on disk."""

    id: str
    talk: Talk
    kept: bool

    def to_json(self) -> Row:
        """All of it."""
        return {"id": self.id, "kept": self.kept, **self.talk.to_json()}

    def brief(self) -> Row:
        """What a list shows of it."""
        return {"id": self.id, "kept": self.kept, **self.talk.brief()}


class Chats:
    """See the module."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._drawer = Drawer(folder, _CODES, clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._loose: dict[str, Talk] = {}
        self._loose_bin: dict[str, Talk] = {}
        self._rows: dict[str, tuple[object, Row]] = {}

    def list(self, search: str = "") -> Sequence[Row]:
        """A row for each talk, the last changed first; only those with `search` in them."""
        wanted = search.casefold()
        with self._lock:
            kept = [one for one in self._drawer.ids() if one not in self._loose]
            self._rows = {one: row for one, row in self._rows.items() if one in kept}
            rows = [self._row(one) for one in kept if not wanted or self._holds(one, wanted)]
            rows += [Chat(one, talk, kept=False).brief() for one, talk in self._loose.items()
                     if not wanted or talk.holds(wanted)]  # fmt: skip
        return sorted(rows, key=lambda row: (-float(str(row["updated_at"])), str(row["id"])))

    def get(self, chat_id: str) -> Chat:
        """Raises GaloshError `notebook-chat-unknown` or `notebook-chat-damaged`."""
        with self._lock:
            return self._get(chat_id)

    def create(self, title: str, *, keep: bool) -> Chat:
        """An empty talk. Raises a write error."""
        talk = Talk.new(title, self._clock.wall_seconds())
        with self._lock:
            if keep:
                return Chat(self._drawer.create(talk.to_json()), talk, kept=True)
            chat_id = secrets.token_hex(6)
            self._hold(chat_id, talk)
            return Chat(chat_id, talk, kept=False)

    def add(self, chat_id: str, message: Mapping[str, object], *, keep: bool) -> tuple[Chat, Node]:
        """One more message (the fields of a node but id and created_at); the head moves to it.

        Raises GaloshError `notebook-chat-unknown`, `notebook-node-unknown`,
        `notebook-chat-full` or a write error.
        """
        now = self._clock.wall_seconds()
        told = {"id": secrets.token_hex(4), "created_at": now, **message}
        with self._lock:
            chat = self._change(chat_id, {"node": told}, keep=keep)
        return chat, chat.talk.node(str(told["id"]))

    def rewrite(
        self, chat_id: str, node_id: str, changes: Mapping[str, object], *, keep: bool
    ) -> tuple[Chat, Node]:
        """Another text (thoughts, model, speed) in a message's place. Raises as `add`."""
        with self._lock:
            node = self._get(chat_id).talk.node(node_id)
            told = {**vars(node), **changes}
            chat = self._change(chat_id, {"node": told}, keep=keep)
        return chat, chat.talk.node(node_id)

    def change(self, chat_id: str, changes: Mapping[str, object], *, keep: bool) -> Chat:
        """Another title or head. Raises as `add`."""
        with self._lock:
            return self._change(chat_id, changes, keep=keep)

    def delete(self, chat_id: str) -> None:
        """Into the bin: for thirty days; of a talk in memory, as long as galosh runs."""
        with self._lock:
            loose = self._loose.pop(chat_id, None)
            if loose is not None:
                self._loose_bin[chat_id] = loose
            if loose is None or chat_id in self._drawer.ids():
                talk = self._get(chat_id).talk
                self._drawer.discard(chat_id, talk.to_json())

    def restore(self, chat_id: str) -> Chat:
        """Out of the bin. Raises GaloshError `notebook-chat-unknown` or a write error."""
        with self._lock:
            loose = self._loose_bin.pop(chat_id, None)
            if loose is not None:
                self._hold(chat_id, loose)
                with contextlib.suppress(GaloshError):  # the part of it that was kept
                    self._drawer.restore(chat_id)
            else:
                self._drawer.restore(chat_id)
            return self._get(chat_id)

    def deleted(self) -> Sequence[Row]:
        """A row for each talk in the bin."""
        with self._lock:
            rows = [{"id": one, "kept": True, **restored(found, ()).brief(),
                     "deleted_at": found.get("deleted_at")}
                    for one, found in self._drawer.discarded()]  # fmt: skip
            rows += [Chat(one, talk, kept=False).brief() for one, talk in self._loose_bin.items()]
        return rows

    def _change(self, chat_id: str, changes: Mapping[str, object], *, keep: bool) -> Chat:
        chat = self._get(chat_id)
        record = {
            "version": chat.talk.version + 1,
            "at_seconds": self._clock.wall_seconds(),
            **changes,
        }
        talk = chat.talk.changed(record)
        if not keep:
            self._hold(chat_id, talk)
        elif chat_id in self._loose:
            self._drawer.compact(chat_id, talk.to_json())
            del self._loose[chat_id]
        else:
            journal_bytes = self._drawer.append(chat_id, record)
            if journal_bytes > _JOURNAL_BYTES:
                with contextlib.suppress(GaloshError):  # the journal has it all
                    self._drawer.compact(chat_id, talk.to_json())
        return Chat(chat_id, talk, kept=keep)

    def _get(self, chat_id: str) -> Chat:
        loose = self._loose.get(chat_id)
        if loose is not None:
            return Chat(chat_id, loose, kept=False)
        written = self._drawer.read(chat_id)
        try:
            return Chat(chat_id, restored(written.snapshot, written.records), kept=True)
        except (KeyError, TypeError, ValueError, GaloshError) as error:
            reason = type(error).__name__
            raise GaloshError(_CODES.damaged, path=chat_id, reason=reason) from error

    def _hold(self, chat_id: str, talk: Talk) -> None:
        self._loose.pop(chat_id, None)
        self._loose[chat_id] = talk
        while len(self._loose) > _LOOSE:
            del self._loose[next(iter(self._loose))]

    def _row(self, chat_id: str) -> Row:
        stamp = self._drawer.stamp(chat_id)
        known = self._rows.get(chat_id)
        if known is None or known[0] != stamp:
            try:
                row = self._get(chat_id).brief()
            except GaloshError as error:  # one that is damaged hides no other
                row = {"id": chat_id, "title": "", "heading": "", "nodes": 0,
                       "updated_at": 0.0, "problem": error.to_json()}  # fmt: skip
            known = self._rows[chat_id] = stamp, row
        return known[1]

    def _holds(self, chat_id: str, wanted: str) -> bool:
        try:
            return self._get(chat_id).talk.holds(wanted)
        except GaloshError:
            return False
