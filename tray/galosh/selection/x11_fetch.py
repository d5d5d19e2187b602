"""Reads selections of an X server, each with a deadline of our own.

A selection is converted by the program that owns it, which may be slow or frozen; waiting for it
must never be Xlib's to decide. Large ones come in pieces (INCR).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from typing import Any

from galosh.selection.values import Contents, Piece

_CHUNK_BYTES = 262_144
# Not formats of the text, but requests to the owner; and numbers that die with it.
_NO_FORMATS = {
    "TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE", "INSERT_SELECTION",
    "INSERT_PROPERTY", "PIXMAP", "BITMAP", "DRAWABLE", "COLORMAP", "WINDOW", "CLIENT_WINDOW",
}  # fmt: skip


class Requestor:
    """Asks for selections on one connection. Raises TimeoutError at the deadline."""

    def __init__(self, display: Any) -> None:
        from Xlib import X

        self.display = self._display = display
        self._window = display.screen().root.create_window(
            0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask
        )
        self._number = 0

    def owner(self, selection: str) -> int:
        """The window that owns a selection; 0: none."""
        owner = self._display.get_selection_owner(self._display.get_atom(selection))
        return int(getattr(owner, "id", owner) or 0)

    def fetch(
        self, selection: str, target: str, deadline: float, limit_bytes: int
    ) -> tuple[Piece, bool] | None:
        """One format, and whether there was more than the limit; None if the owner has it not.

        deadline: on the monotonic clock.
        """
        from Xlib import X

        atom = self._display.get_atom
        # A new property each time: a late answer to an earlier question must not be taken.
        self._number += 1
        prop = atom(f"GALOSH_SELECTION_{self._number % 8}")
        self._window.delete_property(prop)
        self._window.convert_selection(atom(selection), atom(target), prop, X.CurrentTime)

        def is_answer(event: Any) -> bool:
            return bool(
                event.type == X.SelectionNotify
                and event.target == atom(target)
                and event.property in (prop, X.NONE)
            )

        if self._wait(is_answer, deadline).property == X.NONE:
            return None
        piece, more = self._take(prop, limit_bytes)
        if piece.kind != "INCR":
            return piece, more
        return self._take_pieces(prop, deadline, limit_bytes)

    def fetch_all(self, selection: str, deadline: float, limit_bytes: int) -> Contents | None:
        """Everything the owner offers; None for no owner.

        Raises TimeoutError, or OverflowError when it is more than the limit.
        """
        if not self.owner(selection):
            return None
        listed = self.fetch(selection, "TARGETS", deadline, limit_bytes)
        contents: dict[str, Piece] = {}
        # The oldest programs cannot say what they have.
        names = self._names(listed[0].value) if listed else ["UTF8_STRING", "STRING"]
        for name in names:
            found = None if name in _NO_FORMATS else self._try_fetch(selection, name, deadline,
                                                                     limit_bytes)  # fmt: skip
            if found is not None:
                contents[name] = found
                limit_bytes -= found.size_bytes
        return contents

    def _try_fetch(
        self, selection: str, name: str, deadline: float, limit_bytes: int
    ) -> Piece | None:
        found = self.fetch(selection, name, deadline, max(limit_bytes, 0))
        if found is None:
            return None
        if found[1]:
            raise OverflowError(name)
        return found[0]

    def _names(self, atoms: bytes | Iterable[int]) -> list[str]:
        return [str(self._display.get_atom_name(atom)) for atom in atoms if atom]

    def _take_pieces(
        self, prop: int, deadline: float, limit_bytes: int
    ) -> tuple[Piece, bool] | None:
        """The rest of an INCR transfer; ended early at the limit."""
        from Xlib import X

        def is_piece(event: Any) -> bool:
            return bool(
                event.type == X.PropertyNotify
                and event.atom == prop
                and event.state == X.PropertyNewValue
            )

        kind, width, data = "", 8, bytearray()
        numbers: list[int] = []
        while len(data) + len(numbers) * width // 8 <= limit_bytes:
            self._wait(is_piece, deadline)
            piece, _ = self._take(prop, _CHUNK_BYTES * 64)
            if not len(piece.value):
                return Piece(kind, width, bytes(data) if width == 8 else tuple(numbers)), False
            kind, width = piece.kind, piece.width
            if isinstance(piece.value, bytes):
                data += piece.value
            else:
                numbers += piece.value
        return Piece(kind, width, bytes(data[:limit_bytes]) if width == 8 else tuple(numbers)), True

    def _take(self, prop: int, limit_bytes: int) -> tuple[Piece, bool]:
        """What stands in our property now, and whether it was more than the limit."""
        from Xlib import X

        data, numbers, offset = bytearray(), [], 0
        while True:
            want = min(_CHUNK_BYTES, max(limit_bytes - 4 * offset, 4))
            reply = self._window.get_property(prop, X.AnyPropertyType, offset, (want + 3) // 4)
            if reply is None:
                return Piece("", 8, b""), False
            if reply.format == 8:
                data += bytes(reply.value)
            else:
                numbers += [int(number) for number in reply.value]
            offset += (want + 3) // 4
            if not reply.bytes_after or 4 * offset >= limit_bytes:
                break
        more = bool(reply.bytes_after)
        kind = str(self._display.get_atom_name(reply.property_type))
        self._window.delete_property(prop)
        value = bytes(data[:limit_bytes]) if reply.format == 8 else tuple(numbers)
        more = more or len(data) > limit_bytes
        return Piece(kind, reply.format or 8, value), more

    def _wait(self, wanted: Callable[[Any], bool], deadline: float) -> Any:
        display = self._display
        while True:
            while display.pending_events():
                event = display.next_event()
                if wanted(event):
                    return event
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            select.select([display.fileno()], [], [], left)
