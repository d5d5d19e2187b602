"""The files that make galosh known to a Linux desktop, as texts. Pure.

One id for the menu entry, the login entry, the icon and the portal: `galosh`. Our entries carry
a mark, so that nobody else's is ever changed or removed.
"""

from __future__ import annotations

from galosh.base.texts import LANGUAGES

APP_ID = "galosh"
MARK = "X-Galosh-Launcher"
_COMMENT = {
    "en": "Ask a language model on this PC",
    "ru": "Спросить языковую модель на этом компьютере",
}
_NOTEBOOK = {"en": "Open the notebook", "ru": "Открыть блокнот"}
_RESERVED = set(" \t\n\"'\\><~|&;$*?#()`")

# The shape of galosh.tray.icons: shaft, instep, toe, sole.
ICON_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<g fill="#169476"><path d="M22 18H55V44L66 53L84 57L91 67V78H22Z"/>
<rect x="17" y="81" width="77" height="9"/></g></svg>
"""


def login_entry(launcher: str) -> str:
    """The entry of the login folder: starts the icon, which starts the rest."""
    return _entry(launcher, "tray --login", ["X-GNOME-Autostart-enabled=true"])


def menu_entry(launcher: str) -> str:
    """The entry of the menu: shows the quick prompt, and can open the notebook."""
    more = ["Categories=Utility;", "StartupNotify=false", "Actions=notebook;"]
    action = ["", "[Desktop Action notebook]", *_named(_NOTEBOOK, "Name"),
              f"Exec={exec_line(launcher, 'notebook')}"]  # fmt: skip
    return _entry(launcher, "popup", more) + "\n".join(action) + "\n"


def exec_line(program: str, arguments: str) -> str:
    """A program with plain arguments, as the key Exec has it."""
    text = program.replace("%", "%%")
    if _RESERVED & set(text):
        for sign in '\\"`$':
            text = text.replace(sign, f"\\{sign}")
        text = f'"{text}"'
    return f"{_value(text)} {arguments}"


def is_ours(text: str, launcher: str) -> bool:
    """Whether an entry is this installation's."""
    return read(text).get(MARK) == launcher


def is_on(text: str) -> bool:
    """Whether a desktop would start an entry of the login folder: people switch it off there."""
    keys = read(text)
    hidden = keys.get("Hidden", "false").lower() == "true"
    return not hidden and keys.get("X-GNOME-Autostart-enabled", "true").lower() != "false"


def read(text: str) -> dict[str, str]:
    """The keys of the main group."""
    keys: dict[str, str] = {}
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip()
        elif "=" in line and group == "[Desktop Entry]":
            name, _, value = line.partition("=")
            keys[name.strip()] = value.strip().replace("\\s", " ").replace("\\\\", "\\")
    return keys


def _entry(launcher: str, arguments: str, more: list[str]) -> str:
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        "Name=galosh",
        *_named(_COMMENT, "Comment"),
        f"Exec={exec_line(launcher, arguments)}",
        f"TryExec={_value(launcher)}",
        f"Icon={APP_ID}",
        "Terminal=false",
        *more,
        f"{MARK}={_value(launcher)}",
    ]
    return "\n".join(lines) + "\n"


def _named(texts: dict[str, str], key: str) -> list[str]:
    return [f"{key}={texts['en']}"] + [
        f"{key}[{language}]={texts[language]}" for language in LANGUAGES if language != "en"
    ]


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
