"""The doctor's look at the desktop: icon, hotkey, quick prompt, start at login.

What the desktop granted is the agent's to know; it has told the daemon. The hotkey is proved,
where a program may press keys.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.hardware import Machine
from galosh.setup.ask_hotkey import ask_hotkey
from galosh.setup.autostart import login_of
from galosh.setup.checks import finding
from galosh.setup.settle_desktop import agent_facts
from galosh.setup.view import Finding

# What brings Tk to the system's own Python, by the start of the distribution's name.
_TK_PACKAGES = {
    "debian": "sudo apt install python3-tk",
    "ubuntu": "sudo apt install python3-tk",
    "linux mint": "sudo apt install python3-tk",
    "fedora": "sudo dnf install python3-tkinter",
    "arch": "sudo pacman -S tk",
    "opensuse": "sudo zypper install python3-tk",
}


def check_tray(paths: Paths, machine: Machine) -> Finding:
    """Whether the icon is there, and how."""
    kind = machine.display.kind.value
    if kind is None:
        return finding("tray", "ok", say("setup.none"), "desktop-none")
    facts = agent_facts(paths)
    if facts is None:
        return finding("tray", "warn", say("setup.not-running"), "tray-away")
    tray = facts.get("tray")
    tray = tray if isinstance(tray, Mapping) else {}
    stated = tray.get("problem")
    if isinstance(stated, Mapping):
        return _stated("tray", GaloshError.from_json(stated))
    way = str(tray.get("way", "none"))
    if way == "none":
        return finding("tray", "warn", say("setup.none"), "tray-none")
    return finding("tray", "ok", say("setup.tray-by", way=way), "nothing")


def check_hotkey(paths: Paths, machine: Machine) -> Finding:
    """Whether the keys open the quick prompt: granted by the desktop, and heard."""
    if machine.display.kind.value is None:
        return finding("hotkey", "ok", say("setup.none"), "desktop-none")
    trigger = Settings.load(paths.settings_file).text("hotkey.trigger")
    if not trigger:
        return finding("hotkey", "ok", say("setup.none"), "hotkey-none")
    facts = agent_facts(paths)
    state = facts.get("hotkey") if facts is not None else None
    if not isinstance(state, Mapping):
        return finding("hotkey", "warn", trigger, "hotkey-no-agent")
    granted = state.get("granted")
    if granted is None:
        stated = state.get("problem")
        if isinstance(stated, Mapping):
            return _stated("hotkey", GaloshError.from_json(stated))
        return _stated("hotkey", GaloshError("hotkey-not-granted", trigger=trigger))
    proof = ask_hotkey("prove", trigger)
    if proof.get("fired") is False:
        return finding("hotkey", "fail", str(granted), "hotkey-deaf", pressed=proof.get("pressed"))
    return finding("hotkey", "ok", str(granted), "nothing")


def check_prompt(machine: Machine) -> Finding:
    """Whether this Python can show the quick prompt's window."""
    if machine.display.kind.value is None:
        return finding("prompt", "ok", say("setup.none"), "desktop-none")
    try:
        import _tkinter
    except ImportError as error:
        command = tk_command(machine.os.distribution.value)
        return finding("prompt", "warn", str(error), "prompt-no-tk", command=command)
    return finding("prompt", "ok", f"Tk {_tkinter.TK_VERSION}", "nothing")


def tk_command(distribution: str | None) -> str:
    """What installs Tk for the Python that galosh runs on."""
    if sys.platform == "darwin":
        return "brew install python-tk"
    name = (distribution or "").lower()
    return next((line for start, line in _TK_PACKAGES.items() if name.startswith(start)),
                "python3-tk")  # fmt: skip


def check_autostart(paths: Paths) -> Finding:
    """What the next login will do."""
    state = login_of(paths).status()
    if state.enabled:
        return finding("autostart", "ok", say("setup.autostart-on"), "autostart-on")
    advice = "autostart-by-system" if state.by_system else "autostart-off"
    return finding("autostart", "ok", say("setup.autostart-off"), advice, place=state.place)


def _stated(key: str, error: GaloshError) -> Finding:
    """A limit in the words of its error; the rest of galosh works without."""
    title = say(f"setup.check-{key}")
    return Finding(key, title, f"{error.what} {error.why}", "warn", error.next_step)
