"""Owns an X selection and hands its contents out, from a thread and a connection of its own.

Rules: every format is given as it was taken, large ones in pieces (INCR); who has fetched is
remembered; the thread lives as long as it owns the selection, and ends when another program takes
it. Contents may be exchanged while a transfer of the former ones is under way.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Any

from galosh.hotkey.x11_keys import close_display, open_display
from galosh.selection.values import Contents, Piece

_META = ("TARGETS", "TIMESTAMP", "MULTIPLE")
_CALL_SECONDS = 2.0


def text_contents(text: str) -> Contents:
    """A text in the formats programs ask for."""
    data = text.encode("utf-8", "replace")
    kinds = ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain;charset=UTF-8", "text/plain")
    contents = {kind: Piece(kind, 8, data) for kind in kinds}
    contents["TEXT"] = contents["UTF8_STRING"]
    contents["STRING"] = Piece("STRING", 8, text.encode("latin-1", "replace"))
    return contents


class Board:
    """One selection. Every method may be called from any thread."""

    def __init__(self, selection: str) -> None:
        """Raises OSError where there is no X server."""
        display = open_display()
        if display is None:
            raise OSError("no X server")
        self._selection = selection
        self._heard, self._said = socket.socketpair()
        self._lock = threading.Lock()
        self._wanted: Contents | None = None
        self._taken = threading.Event()
        self._changed = threading.Condition()
        self._fetched: set[int] = set()
        self._serving = _Serving(display, selection, self._note)
        self._owning = False
        self._thread = threading.Thread(target=self._run, name="clipboard", daemon=True)
        self._thread.start()

    def offer(self, contents: Contents) -> bool:
        """Own the selection with these; whether we do. False after another took it."""
        self._taken.clear()
        with self._changed:
            self._fetched.clear()
        if not self._say(contents):
            return False
        self._taken.wait(_CALL_SECONDS)
        return self._owning

    def disown(self) -> None:
        """Leave the selection without an owner."""
        self._say({})
        self._thread.join(_CALL_SECONDS)

    def wait_fetched(self, client: int, seconds: float) -> bool:
        """Whether that program has all of it, at the latest after so long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: client in self._fetched or not self._thread.is_alive(), seconds
            ) and (client in self._fetched)

    def _say(self, contents: Contents) -> bool:
        with self._lock:
            self._wanted = contents
            try:
                self._said.send(b"!")
            except OSError:
                return False
        return True

    def _note(self, client: int) -> None:
        with self._changed:
            self._fetched.add(client)
            self._changed.notify_all()

    def _run(self) -> None:
        from Xlib import error

        try:
            self._serve()
        except (error.ConnectionClosedError, OSError):
            return  # the server is gone, and the clipboard with it
        finally:
            self._owning = False
            with self._lock:
                self._heard.close()
                self._said.close()
            self._taken.set()
            self._serving.close()
            with self._changed:
                self._changed.notify_all()

    def _serve(self) -> None:
        serving = self._serving
        while True:
            if not serving.pending():
                both: list[Any] = [self._heard, serving.fileno()]
                ready, _, _ = select.select(both, [], [])
                if self._heard in ready:
                    self._heard.recv(64)
                    if not self._take():
                        return
            if not serving.handle_events():
                return

    def _take(self) -> bool:
        """Make the wanted contents ours; False at the end."""
        with self._lock:
            contents = self._wanted
        if not contents:
            if self._owning:
                self._serving.disown()
            return False
        self._owning = self._serving.own(contents)
        self._taken.set()
        return self._owning


class _Serving:
    """Answers the requests of other programs; lives in the board's thread."""

    def __init__(self, display: Any, selection: str, note: Any) -> None:
        from Xlib import X

        self._display = display
        self._note = note
        self._atom = display.get_atom(selection)
        self._window = display.screen().root.create_window(
            0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask
        )
        self._contents: Contents = {}
        self._since = 0
        self._lost = False
        # (window, property) -> what is left of a transfer in pieces
        self._transfers: dict[tuple[int, int], _Transfer] = {}
        self._most_bytes = min(4 * display.display.info.max_request_length - 64, 262_144)
        self._mask: int = display.display.info.resource_id_mask

    def fileno(self) -> int:
        """The connection, for select."""
        return int(self._display.fileno())

    def pending(self) -> bool:
        """Whether events have arrived already."""
        return bool(self._display.pending_events())

    def own(self, contents: Contents) -> bool:
        """Take the selection, at the server's own time."""
        from Xlib import X, Xatom

        if self._lost:  # taking it back would destroy what the user has copied since
            return False
        self._window.change_property(self._display.get_atom("GALOSH_TIME"), Xatom.INTEGER, 32, [])
        while True:  # the change above comes back with the time
            event = self._display.next_event()
            if event.type == X.PropertyNotify and event.window.id == self._window.id:
                break
            if not self._handle(event):
                return False
        self._since, self._contents = event.time, dict(contents)
        self._window.set_selection_owner(self._atom, event.time)
        owner = self._display.get_selection_owner(self._atom)
        return int(getattr(owner, "id", owner) or 0) == int(self._window.id)

    def disown(self) -> None:
        """Give the selection up."""
        from Xlib import X
        from Xlib.protocol import request

        owner = self._display.get_selection_owner(self._atom)
        if getattr(owner, "id", 0) == self._window.id:
            request.SetSelectionOwner(
                display=self._display.display,
                window=X.NONE,
                selection=self._atom,
                time=X.CurrentTime,
            )
            self._display.sync()

    def handle_events(self) -> bool:
        """Serve what has arrived; False once the selection is another's and nothing is left."""
        from Xlib import error

        for _ in range(self._display.pending_events()):
            try:
                if not self._handle(self._display.next_event()):
                    return False
            except error.XError:  # noqa: PERF203
                continue  # whoever asked has closed its window meanwhile
        self._display.flush()
        return True

    def close(self) -> None:
        """Hang up, once the server has our last answers: hanging up at once may lose them."""
        from Xlib import error

        with contextlib.suppress(error.ConnectionClosedError, OSError):
            self._display.sync()
        close_display(self._display)

    def _handle(self, event: Any) -> bool:
        from Xlib import X

        if event.type == X.SelectionClear and event.atom == self._atom:
            self._contents, self._lost = {}, True
            return bool(self._transfers)
        if event.type == X.SelectionRequest and event.selection == self._atom:
            self._answer(event)
        elif event.type == X.PropertyNotify and event.state == X.PropertyDelete:
            self._go_on(event.window, event.atom)
        elif event.type == X.DestroyNotify:  # in the middle of a transfer
            for key in [key for key in self._transfers if key[0] == event.window.id]:
                del self._transfers[key]
        else:
            return True
        return not self._lost or bool(self._transfers)

    def _answer(self, request: Any) -> None:
        from Xlib import X
        from Xlib.protocol import event

        prop = request.property or request.target  # the oldest programs name none
        name = str(self._display.get_atom_name(request.target))
        if name == "MULTIPLE":
            done = self._convert_many(request.requestor, prop)
        else:
            done = self._convert(request.requestor, prop, name)
        request.requestor.send_event(
            event.SelectionNotify(
                time=request.time,
                requestor=request.requestor,
                selection=request.selection,
                target=request.target,
                property=prop if done else X.NONE,
            )
        )

    def _convert(self, window: Any, prop: int, name: str) -> bool:
        """Put one format into a property of the asking window; whether we have it."""
        from Xlib import X, Xatom

        if name == "TARGETS" and self._contents:
            atoms = [self._display.get_atom(n) for n in (*_META, *self._contents)]
            window.change_property(prop, Xatom.ATOM, 32, atoms)
            return True
        if name == "TIMESTAMP":
            window.change_property(prop, Xatom.INTEGER, 32, [self._since])
            return True
        piece = self._contents.get(name)
        if piece is None:
            return False
        kind = self._display.get_atom(piece.kind or name)
        if piece.size_bytes <= self._most_bytes:
            window.change_property(prop, kind, piece.width, piece.value)
            self._note(window.id & ~self._mask)
            return True
        window.change_attributes(event_mask=X.PropertyChangeMask | X.StructureNotifyMask)
        size = [piece.size_bytes]
        window.change_property(prop, self._display.get_atom("INCR"), 32, size)
        self._transfers[window.id, prop] = _Transfer(piece, kind)
        return True

    def _convert_many(self, window: Any, prop: int) -> bool:
        """MULTIPLE: pairs of a format and a property; what we lack is struck out."""
        from Xlib import X

        reply = window.get_property(prop, X.AnyPropertyType, 0, 1024)
        if reply is None or reply.format != 32:
            return False
        pairs = [int(atom) for atom in reply.value]
        for index in range(0, len(pairs) - 1, 2):
            name = str(self._display.get_atom_name(pairs[index]))
            if name == "MULTIPLE" or not self._convert(window, pairs[index + 1], name):
                pairs[index + 1] = X.NONE
        window.change_property(prop, reply.property_type, 32, pairs)
        return True

    def _go_on(self, window: Any, prop: int) -> None:
        """The next piece, now that the last was taken; the empty one ends a transfer."""
        transfer = self._transfers.get((window.id, prop))
        if transfer is None:
            return
        part = transfer.next(self._most_bytes)
        window.change_property(prop, transfer.kind, transfer.piece.width, part)
        if not part:
            del self._transfers[window.id, prop]
            self._note(window.id & ~self._mask)


class _Transfer:
    """What is left of one format on its way to one window."""

    def __init__(self, piece: Piece, kind: int) -> None:
        self.piece = piece
        self.kind = kind
        self._sent = 0

    def next(self, most_bytes: int) -> bytes | tuple[int, ...]:
        """The next part."""
        count = most_bytes // (self.piece.width // 8)
        part = self.piece.value[self._sent : self._sent + count]
        self._sent += len(part)
        return part
