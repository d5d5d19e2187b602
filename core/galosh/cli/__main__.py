"""`python -I -m galosh.cli`: what the launcher calls."""

from __future__ import annotations

import sys

from galosh.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
