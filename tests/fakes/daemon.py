"""The real daemon's entry over the fake supervisor: `python -I tests/fakes/daemon.py`."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / name) for name in ("core", "installer", "daemon", "tray", "presets")]
sys.path[:0] = [str(_ROOT)]

if __name__ == "__main__":
    from galosh.server.__main__ import main
    from tests.fakes.supervisor import FakeParts

    sys.exit(main(sys.argv[1:], FakeParts()))
