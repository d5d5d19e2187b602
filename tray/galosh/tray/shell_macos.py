"""Guards for pystray on macOS. Not verified on a real one.

AppKit aborts a process that touches the menu in another thread than the main one; the icon is
made a template, so that the system inks it for a light or dark menu bar; no Dock icon.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

assert sys.platform == "darwin"

_ACCESSORY = 1  # NSApplicationActivationPolicyAccessory


def prepare(icon: Any) -> None:
    """No Dock icon; the system's own ink."""

    def work() -> None:
        icon._app.setActivationPolicy_(_ACCESSORY)
        _make_template(icon)

    _later(work)


def call_in(icon: Any, work: Callable[[], None]) -> None:
    """Do it in the main thread."""

    def all_of_it() -> None:
        work()
        _make_template(icon)

    _later(all_of_it)


def _make_template(icon: Any) -> None:
    image = getattr(icon, "_icon_image", None)
    if image is not None:
        image.setTemplate_(True)


def _later(work: Callable[[], None]) -> None:
    helper: Any = importlib.import_module("PyObjCTools.AppHelper")  # came with pystray
    helper.callAfter(work)
