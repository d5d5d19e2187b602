"""The desktop portal's colour scheme, then what GTK was told. May wait: not for a window."""

from __future__ import annotations

import os
from pathlib import Path

_PATIENCE_SECONDS = 1.0
_PREFERS_DARK, _PREFERS_LIGHT = 1, 2


def prefers_dark() -> bool | None:
    """None when nobody says."""
    said = _portal()
    if said is None:
        said = _gtk(os.environ.get("GTK_THEME", ""), _settings_files())
    return said


def _portal() -> bool | None:
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    from jeepney import DBusAddress, new_method_call
    from jeepney.io.blocking import open_dbus_connection

    address = DBusAddress(
        "/org/freedesktop/portal/desktop",
        bus_name="org.freedesktop.portal.Desktop",
        interface="org.freedesktop.portal.Settings",
    )
    call = new_method_call(address, "Read", "ss", ("org.freedesktop.appearance", "color-scheme"))
    try:
        with open_dbus_connection(bus="SESSION") as bus:
            reply = bus.send_and_get_reply(call, timeout=_PATIENCE_SECONDS)
        value = reply.body[0]
        while isinstance(value, tuple):  # a variant, inside of another in older portals
            value = value[1]
    except Exception:  # no bus, no portal, no such setting, a reply of another shape: unknown
        return None
    return {_PREFERS_DARK: True, _PREFERS_LIGHT: False}.get(value)


def _settings_files() -> list[Path]:
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return [folder / f"gtk-{version}.0" / "settings.ini" for version in (4, 3)]


def _gtk(theme: str, files: list[Path]) -> bool | None:
    if theme:
        return "dark" in theme.lower()
    import configparser

    for file in files:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(file.read_text(encoding="utf-8"))
            told = parser["Settings"]
        except (OSError, ValueError, KeyError, configparser.Error):
            continue
        if told.get("gtk-application-prefer-dark-theme", "").lower() in ("1", "true"):
            return True
        if "gtk-theme-name" in told:
            return "dark" in told["gtk-theme-name"].lower()
    return None
