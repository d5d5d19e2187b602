"""A mouse for a Wayland compositor without one: wlr-virtual-pointer, spoken by hand.

Owns one connection; the mouse is there for as long as it is open, so that programs which look
for a mouse when they start find it. Needs a compositor of the wlroots family.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from pathlib import Path

MANAGER = "zwlr_virtual_pointer_manager_v1"
LEFT, RIGHT = 0x110, 0x111
_DISPLAY, _REGISTRY, _CALLBACK, _MANAGER, _POINTER = 1, 2, 3, 4, 5
_SECONDS = 10.0
_HAND_SECONDS = 0.1


class Pointer:
    """The mouse, on a screen of `size`."""

    def __init__(self, address: Path, size: tuple[int, int]) -> None:
        self._size = size
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(_SECONDS)
        self._line.connect(str(address))
        self._say(_DISPLAY, 1, struct.pack("=I", _REGISTRY))  # get_registry
        self._say(_DISPLAY, 0, struct.pack("=I", _CALLBACK))  # sync: all globals have been named
        name = self._global(MANAGER)
        bind = struct.pack("=I", name) + _text(MANAGER) + struct.pack("=II", 1, _MANAGER)
        self._say(_REGISTRY, 0, bind)
        self._say(_MANAGER, 0, struct.pack("=II", 0, _POINTER))  # on no seat in particular

    def click(self, x: int, y: int, button: int) -> None:
        """Move there and click, as slowly as a quick hand: a menu must see that it is entered."""
        self.move(x, y)
        for state in (1, 0):
            time.sleep(_HAND_SECONDS)
            self._say(_POINTER, 2, struct.pack("=III", _now(), button, state))
            self._say(_POINTER, 4, b"")

    def move(self, x: int, y: int) -> None:
        """Move there."""
        where = struct.pack("=IIIII", _now(), x, y, *self._size)
        self._say(_POINTER, 1, where)
        self._say(_POINTER, 4, b"")  # frame

    def close(self) -> None:
        """Unplug it."""
        with contextlib.suppress(OSError):
            self._line.close()

    def _say(self, target: int, opcode: int, body: bytes) -> None:
        self._line.sendall(struct.pack("=IHH", target, opcode, 8 + len(body)) + body)

    def _global(self, wanted: str) -> int:
        """The number of a global, read until the callback says that there are no more."""
        found = 0
        while True:
            target, opcode, length = struct.unpack("=IHH", self._read(8))
            body = self._read(length - 8)
            if target == _REGISTRY and opcode == 0:
                name, size = struct.unpack_from("=II", body)
                if body[8 : 8 + size - 1].decode() == wanted:
                    found = name
            elif target == _CALLBACK:
                assert found, f"the compositor has no {wanted}"
                return found

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._line.recv(count - len(data))
            assert part, "the compositor hung up"
            data += part
        return data


def _now() -> int:
    """Milliseconds: a menu ignores a button that comes too soon after its opening."""
    return int(time.monotonic() * 1000) & 0xFFFFFFFF


def _text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("=I", len(data)) + data + b"\0" * (-len(data) % 4)
