"""What the user chose for programs in the settings of Windows."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import winreg

    _KEY = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"

    def prefers_dark() -> bool | None:
        """None when nobody says."""
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _KEY) as key:
                return bool(winreg.QueryValueEx(key, "AppsUseLightTheme")[0] == 0)
        except OSError:
            return None
