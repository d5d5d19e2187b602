"""The line a user adds to a desktop's own configuration, for desktops that give keys to nobody.

Pure: a desktop's name (XDG_CURRENT_DESKTOP), a trigger and a command make an instruction.
"""

from __future__ import annotations

from collections.abc import Callable

from galosh.base.texts import say
from galosh.hotkey.trigger import Trigger

_SWAY = {"Ctrl": "Ctrl", "Alt": "Mod1", "Shift": "Shift", "Super": "Mod4"}
_COSMIC_FILE = "~/.config/cosmic/com.system76.CosmicSettings.Shortcuts/v1/custom"


def instruction(desktop: str, trigger: Trigger, command: str) -> str:
    """What to add where, ready to be copied."""
    for name in desktop.lower().split(":"):
        known = _FILES.get(name)
        if known is not None:
            file, write = known
            return say("hotkey.line-file", file=file, line=write(trigger, command))
    return say("hotkey.line-settings", keys=str(trigger), line=command)


def _sway(trigger: Trigger, command: str) -> str:
    keys = "+".join([*(_SWAY[name] for name in trigger.modifiers), trigger.key.keysym])
    return f"bindsym {keys} exec {command}"


def _hyprland(trigger: Trigger, command: str) -> str:
    modifiers = " ".join(name.upper() for name in trigger.modifiers)
    return f"bind = {modifiers}, {trigger.key.keysym}, exec, {command}"


def _niri(trigger: Trigger, command: str) -> str:
    keys = "+".join([*trigger.modifiers, trigger.key.keysym])
    return f'binds {{ {keys} {{ spawn "sh" "-c" "{_escaped(command)}"; }} }}'


def _cosmic(trigger: Trigger, command: str) -> str:
    modifiers = ", ".join(trigger.modifiers)
    key = trigger.key.keysym
    return f'{{ (modifiers: [{modifiers}], key: "{key}"): Spawn("{_escaped(command)}") }}'


def _escaped(command: str) -> str:
    return command.replace("\\", "\\\\").replace('"', '\\"')


_FILES: dict[str, tuple[str, Callable[[Trigger, str], str]]] = {
    "sway": ("~/.config/sway/config", _sway),
    "i3": ("~/.config/i3/config", _sway),
    "hyprland": ("~/.config/hypr/hyprland.conf", _hyprland),
    "niri": ("~/.config/niri/config.kdl", _niri),
    "cosmic": (_COSMIC_FILE, _cosmic),
}
