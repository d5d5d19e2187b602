"""What the CLI and the doctor ask of the hotkey, as a process: one JSON document on stdout.

python -m galosh.hotkey check TRIGGER | prove TRIGGER | bind TRIGGER | unbind | bound
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from galosh.base.errors import GaloshError
from galosh.hotkey.trigger import DEFAULT, parse


def main(argv: Sequence[str]) -> int:
    """Do it; status 1 with {"error": …} for what a GaloshError says, 2 for wrong usage."""
    action = _ACTIONS.get(argv[0]) if argv else None
    if action is None:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        document, status = action(argv[1] if len(argv) > 1 else DEFAULT), 0
    except GaloshError as error:
        document, status = {"error": error.to_json()}, 1
    sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")
    return status


def _check(text: str) -> dict[str, object]:
    return {"trigger": str(parse(text))}


def _prove(text: str) -> dict[str, object]:
    from galosh.hotkey.prove import prove

    return prove(text).to_json()


def _bind(text: str) -> dict[str, object]:
    from galosh.hotkey.desktop_binding import bind

    bind(parse(text))
    return {"bound": True}


def _unbind(_text: str) -> dict[str, object]:
    from galosh.hotkey.desktop_binding import unbind

    return {"bound": False, "was_bound": unbind()}


def _bound(_text: str) -> dict[str, object]:
    from galosh.hotkey.desktop_binding import is_bound

    return {"bound": is_bound()}


_ACTIONS: dict[str, Callable[[str], dict[str, object]]] = {
    "check": _check,
    "prove": _prove,
    "bind": _bind,
    "unbind": _unbind,
    "bound": _bound,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
