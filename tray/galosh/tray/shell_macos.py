"""Guards for pystray on macOS. Not verified on a real one.

AppKit aborts a process that touches the menu in another thread than the main one; and pystray
looks up a chosen row in the menu that it made last, which must therefore be the one that is
open. The icon is made a template, so that the system inks it for a light or dark menu bar; no
Dock icon.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from typing import Any

assert sys.platform == "darwin"

_ACCESSORY = 1  # NSApplicationActivationPolicyAccessory
_LOG = logging.getLogger("galosh.tray")


def prepare(icon: Any) -> None:
    """No Dock icon; the system's own ink."""
    call_in(icon, lambda: icon._app.setActivationPolicy_(_ACCESSORY))


def call_in(icon: Any, work: Callable[[], None]) -> None:
    """Do it in the main thread, once no menu is open."""

    def guarded() -> None:
        try:
            work()
            _make_template(icon)
        except Exception:
            # Through AppKit's own frames it would be an Objective-C exception.
            _LOG.exception("the icon could not be changed")

    helper = _helper()
    # What comes after a delay, even none, waits in the run loop's default mode, and an open
    # menu has a mode of its own.
    helper.callAfter(helper.callLater, 0, guarded)


def end(icon: Any) -> None:
    """Stop it in the main thread, menu or not."""
    _helper().callAfter(icon.stop)


def _make_template(icon: Any) -> None:
    image = getattr(icon, "_icon_image", None)
    if image is not None:
        image.setTemplate_(True)


def _helper() -> Any:
    return importlib.import_module("PyObjCTools.AppHelper")  # came with pystray
