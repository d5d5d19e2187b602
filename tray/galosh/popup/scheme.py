"""Whether the desktop is dark, where it can be known. One module per system."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from galosh.popup.scheme_windows import prefers_dark
elif sys.platform == "darwin":
    from galosh.popup.scheme_macos import prefers_dark
else:
    from galosh.popup.scheme_linux import prefers_dark

__all__ = ["prefers_dark"]
