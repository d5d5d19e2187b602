"""The only client of the daemon, and the values both sides speak in.

`Client(paths)` talks; `is_running`, `start_daemon` and `stop_daemon` look after the process.
Kept light: nothing here loads an HTTP library, ssl, asyncio or psutil (outside Windows and
macOS), because every command of galosh pays for it.
"""

from __future__ import annotations

from galosh.api.client import Client
from galosh.api.find import is_running
from galosh.api.launch import start_daemon, stop_daemon
from galosh.api.wire import DaemonFacts, Delta, Happening, Notice, Usage

__all__ = [
    "Client",
    "DaemonFacts",
    "Delta",
    "Happening",
    "Notice",
    "Usage",
    "is_running",
    "start_daemon",
    "stop_daemon",
]
