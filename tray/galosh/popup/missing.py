"""What to install where this Python has no Tk."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

_COMMANDS = (
    (("debian", "ubuntu"), "sudo apt install python3-tk"),
    (("fedora", "rhel", "centos"), "sudo dnf install python3-tkinter"),
    (("arch",), "sudo pacman -S tk"),
    (("suse", "opensuse"), "sudo zypper install python3-tk"),
    (("alpine",), "sudo apk add python3-tkinter"),
)
_ANOTHER_PYTHON = "python3 scripts/install.py"


def tk_command() -> str:
    """The command for this system and this Python."""
    if sys.platform == "darwin":
        return f"brew install python-tk@{sys.version_info.major}.{sys.version_info.minor}"
    if sys.platform != "linux" or not sys.base_prefix.startswith("/usr"):
        # A Python that did not come with the system: its own Tk is missing from it.
        return _ANOTHER_PYTHON
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return command_for(read_os_release(text))


def read_os_release(text: str) -> dict[str, str]:
    """The fields of an os-release file."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def command_for(release: Mapping[str, str]) -> str:
    """The command for this distribution."""
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    for known, command in _COMMANDS:
        if names & set(known):
            return command
    return _ANOTHER_PYTHON
