"""What is selected, where, and how an insertion ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["inserted", "copied", "refused"]
Screen = tuple[int, int, int, int]  # x, y, width, height


@dataclass(frozen=True)
class Origin:
    """The window the user was in. handle: the system's own, 0 where it tells none; client: the
    program's, for checking again. kind: how text gets into it."""

    handle: int
    client: int = 0
    kind: Literal["field", "terminal", "old-terminal", "none"] = "none"

    @property
    def can_insert(self) -> bool:
        """Whether `insert` may put text there; else it only copies."""
        return self.handle != 0 and self.kind != "none"


@dataclass(frozen=True)
class Selection:
    """A selected text. cut: there is more of it than was read."""

    text: str
    cut: bool
    origin: Origin


@dataclass(frozen=True)
class Piece:
    """One format of a clipboard: the type its owner gave it, and bytes or 16/32-bit numbers."""

    kind: str
    width: int
    value: bytes | tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """How much it is."""
        return len(self.value) * self.width // 8


# What a clipboard holds, by the name of the format.
Contents = Mapping[str, Piece]

# Terminals paste with Ctrl+Shift+V; the old ones only what is selected, with Shift+Insert.
_OLD_TERMINALS = {"xterm", "uxterm", "urxvt", "rxvt", "rxvt-unicode", "eterm", "aterm"}
_TERMINALS = {
    "gnome-terminal", "gnome-terminal-server", "org.gnome.terminal", "kgx", "org.gnome.console",
    "ptyxis", "xfce4-terminal", "konsole", "yakuake", "kitty", "alacritty", "terminator", "tilix",
    "lxterminal", "mate-terminal", "qterminal", "guake", "terminology", "deepin-terminal",
    "st-256color", "st", "wezterm", "org.wezfurlong.wezterm", "ghostty", "com.mitchellh.ghostty",
    "sakura", "tilda", "cool-retro-term", "foot",
}  # fmt: skip


def kind_of(names: tuple[str, ...]) -> Literal["field", "terminal", "old-terminal"]:
    """How text gets into a window with these class names."""
    lower = {name.lower() for name in names}
    if lower & _OLD_TERMINALS:
        return "old-terminal"
    return "terminal" if lower & _TERMINALS else "field"


def terminal_text(text: str) -> str | None:
    """What may be pasted at a prompt; None when it would run by itself: it has lines."""
    line = text.rstrip("\r\n")
    if any(ord(sign) < 32 and sign != "\t" for sign in line) or "\x7f" in line:
        return None
    return line


def selected(data: bytes, limit_bytes: int, origin: Origin) -> Selection | None:
    """A selection of at most `limit_bytes` of UTF-8; None where there is nothing but blanks."""
    cut = len(data) > limit_bytes
    text = decode(data[:limit_bytes], cut=cut)
    return Selection(text, cut, origin) if text.strip() else None


def decode(data: bytes, *, cut: bool) -> str:
    """UTF-8 that may end within a sign."""
    text = data.decode("utf-8", "replace")
    return text.rstrip("�") if cut else text
