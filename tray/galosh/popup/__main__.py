"""The process: Tk in the main thread, the tray's lines in another. Ends with the tray.

A Tk that is missing, or no screen, is said in one line to the tray, and the process ends
with status 1.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.popup.lines import event_line, parse_order
from galosh.popup.scheme import prefers_dark

if TYPE_CHECKING:
    import tkinter as tk

_BELL = "<<galosh-news>>"
_READ_BYTES = 65536


def main() -> int:
    """Run until the tray says so or goes."""
    # Nothing that a library prints may get between the lines.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lock = threading.Lock()

    def tell(event: str, **facts: object) -> None:
        with lock:
            try:
                out.write(event_line(event, **facts))
            except OSError:
                os._exit(0)  # the tray is gone; so are we

    try:
        _run(Paths.find(), sys.stdin.fileno(), tell)
    except GaloshError as error:
        tell("failed", error=error.to_json())
        return 1
    return 0


def _run(paths: Paths, orders: int, tell: Callable[..., None]) -> None:
    """Raises GaloshError `popup-no-tk` or `popup-no-screen`."""
    root, dpi = _open_tk()
    from galosh.popup.inbox import Inbox
    from galosh.popup.keep import Keeper
    from galosh.popup.looks import Looks
    from galosh.popup.talk import Talk
    from galosh.popup.window import Window

    # From any thread: Tk queues the event for its own.
    inbox = Inbox(lambda: root.event_generate(_BELL, when="tail"))
    root.bind(_BELL, lambda _event: inbox.run())
    carrier = Talk(paths, lambda news: inbox.put(lambda: window.hear(news)))
    window = Window(
        root, Looks(root, dpi), carrier, Keeper(paths.state / "quick-prompt.json"), tell
    )

    def listen() -> None:
        for line in _lines(orders):
            order = parse_order(line)
            if order is not None:
                inbox.put(partial(window.obey, order))
        inbox.put(window.quit)

    def look() -> None:
        dark = prefers_dark()
        inbox.put(lambda: window.dress(dark))

    def begin() -> None:
        """Once Tk takes what other threads put."""
        for work in (listen, look):
            threading.Thread(target=work, name="popup-lines", daemon=True).start()
        carrier.look()
        tell("ready")

    root.after(0, begin)
    root.mainloop()
    root.destroy()


def _lines(descriptor: int) -> Iterator[bytes]:
    """The tray's lines until it goes. Read without Python's own buffers: a thread that waits in
    one holds its lock, over which the interpreter falls when it ends."""
    rest = b""
    while data := os.read(descriptor, _READ_BYTES):
        *whole, rest = (rest + data).split(b"\n")
        yield from whole


def _open_tk() -> tuple[tk.Tk, float | None]:
    try:
        import tkinter as tk
    except ImportError as error:
        from galosh.popup.missing import tk_command

        raise GaloshError("popup-no-tk", reason=str(error), command=tk_command()) from error
    from galosh.popup.looks import be_sharp, read_xft_dpi

    be_sharp()
    dpi = read_xft_dpi()
    try:
        root = tk.Tk(className="Galosh")
    except tk.TclError as error:
        raise GaloshError("popup-no-screen", reason=str(error)) from error
    root.withdraw()
    return root, dpi


if __name__ == "__main__":
    sys.exit(main())
