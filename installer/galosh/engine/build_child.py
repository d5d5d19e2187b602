"""Runs inside the tools environment: one PEP 517 build of a wheel.

Standard library and the build backend only; nothing of galosh.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def main() -> int:
    """argv: source folder, output folder, JSON of the backend's settings."""
    source, target, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    os.chdir(source)
    backend: Any = importlib.import_module("scikit_build_core.build")
    print(f"wheel: {backend.build_wheel(target, settings)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
