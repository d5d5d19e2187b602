"""Whether the connection in use is paid by volume, as far as the system says so.

Linux: NetworkManager's `Metered` property over the system bus. Windows: the connection cost
of the current internet profile. macOS tells no program. Never raises; None is unknown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from galosh.hardware.run import Runner, run_program

# org.freedesktop.NetworkManager.Metered: NM_METERED_YES 1, NO 2, GUESS_YES 3, GUESS_NO 4.
_BUS = (
    "busctl",
    "--system",
    "get-property",
    "org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager",
    "org.freedesktop.NetworkManager",
    "Metered",
)
# Windows.Networking.Connectivity.NetworkCostType: Unrestricted, Fixed, Variable, Unknown.
_COST = (
    "powershell",
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    "[Windows.Networking.Connectivity.NetworkInformation,Windows.Networking,"
    "ContentType=WindowsRuntime]::GetInternetConnectionProfile().GetConnectionCost()"
    ".NetworkCostType",
)


def is_metered(run: Runner = run_program) -> bool | None:
    """True on a connection the system counts as metered, None where it does not tell."""
    found = _QUESTIONS.get(sys.platform)
    if found is None:
        return None
    command, read = found
    answer = run(command)
    return None if answer.text is None else read(answer.text)


def read_network_manager(text: str) -> bool | None:
    """The answer of `busctl get-property … Metered`: `u 1`."""
    found = re.fullmatch(r"u (\d)\s*", text)
    return {"1": True, "2": False, "3": True, "4": False}.get(found.group(1)) if found else None


def read_network_cost(text: str) -> bool | None:
    """The name of a NetworkCostType."""
    return {"unrestricted": False, "fixed": True, "variable": True}.get(text.strip().lower())


_QUESTIONS: dict[str, tuple[Sequence[str], Callable[[str], bool | None]]] = {
    "linux": (_BUS, read_network_manager),
    "win32": (_COST, read_network_cost),
}
