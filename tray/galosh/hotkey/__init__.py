"""The global hotkey: one combination of keys that works wherever the user is, or says why not.

`listen` picks the way of this session (X11 grab, portal, KGlobalAccel, Windows, macOS) and
reports through `HotkeyState` what the desktop really granted. Must never record keys, never
claim a combination it did not get, and never hold one that galosh no longer wants.
"""

from __future__ import annotations

from galosh.hotkey.listen import Hotkey, listen
from galosh.hotkey.state import HotkeyState
from galosh.hotkey.trigger import Trigger, parse

__all__ = ["Hotkey", "HotkeyState", "Trigger", "listen", "parse"]
