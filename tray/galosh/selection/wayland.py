"""Selection in a Wayland session, and copying; nothing may press keys there.

Xwayland first: it is quick, and needs no window of ours. Then wl-paste and wl-copy where they are
installed, which work wherever the compositor lets programs at the clipboard.
"""

from __future__ import annotations

import select
import shutil
import subprocess
import time

from galosh.selection.values import Origin, Outcome, Screen, Selection, selected
from galosh.selection.x11 import X11, copy

_COPY_SECONDS = 2.0


class Wayland:
    """See choose.Way."""

    def read_selection(self, deadline_seconds: float, limit_bytes: int) -> Selection | None:
        """See choose.Way."""
        deadline = time.monotonic() + deadline_seconds
        found = X11().read_selection(deadline_seconds, limit_bytes)
        if found is not None:
            return Selection(found.text, found.cut, Origin(0))
        return selected(_paste(deadline, limit_bytes), limit_bytes, Origin(0))

    def read_origin(self) -> Origin | None:
        """See choose.Way: no compositor tells which window has the keyboard."""
        return None

    def insert(self, text: str, origin: Origin) -> Outcome:  # noqa: ARG002 - see choose.Way
        """See choose.Way: copied, for the user to paste."""
        program = shutil.which("wl-copy")
        if program is not None:
            command = [program, "--type", "text/plain;charset=utf-8"]
            data = text.encode("utf-8", "replace")
            try:
                subprocess.run(
                    command, input=data, timeout=_COPY_SECONDS, check=True,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
                return "copied"
            except (OSError, subprocess.SubprocessError):
                pass  # a compositor without it; Xwayland may do
        return copy(text)

    def active_screen(self) -> Screen | None:
        """See choose.Way: the compositor places windows, and asks nobody."""
        return None


def _paste(deadline: float, limit_bytes: int) -> bytes:
    """What wl-paste says is selected, up to a byte over the limit."""
    program = shutil.which("wl-paste")
    if program is None:
        return b""
    command = [program, "--primary", "--no-newline", "--type", "text"]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
    except OSError:
        return b""
    data = bytearray()
    with process:
        assert process.stdout is not None
        while len(data) <= limit_bytes:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                data.clear()  # half a selection is none
                break
            part = process.stdout.raw.read(65_536) if hasattr(process.stdout, "raw") else b""
            if not part:
                break
            data += part
        process.kill()
    return bytes(data[: limit_bytes + 1])
