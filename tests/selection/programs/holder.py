"""Holds the clipboard in several formats: JSON {"format": "base64"} in a file.

holder.py FILE [--old]     --old: cannot say which formats it has, as programs once could not
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from pathlib import Path

from galosh.selection.values import Piece
from galosh.selection.x11_board import Board, _Serving

formats = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
if "--old" in sys.argv:
    convert = _Serving._convert

    def refuse_targets(self: _Serving, window: object, prop: int, name: str) -> bool:
        return name != "TARGETS" and convert(self, window, prop, name)

    _Serving._convert = refuse_targets  # type: ignore[method-assign]
board = Board("CLIPBOARD")
assert board.offer({name: Piece(name, 8, base64.b64decode(d)) for name, d in formats.items()})
print("ready", flush=True)
threading.Event().wait()
