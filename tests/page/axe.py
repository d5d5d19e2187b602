"""axe-core, installed once into the test cache; what it finds on a page."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from filelock import FileLock
from playwright.sync_api import Page

from tests.real import CACHE

PACKAGE = "axe-core@4.10.3"
_INSTALL_SECONDS = 300


def script() -> str:
    """The source of axe."""
    folder = CACHE / PACKAGE.replace("@", "-")
    file: Path = folder / "node_modules" / "axe-core" / "axe.min.js"
    with FileLock(f"{folder}.lock"):
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text('{"private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent", PACKAGE]
            subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS)
    return file.read_text(encoding="utf-8")


def findings(page: Page) -> list[str]:
    """What axe calls serious or critical on what is shown now."""
    # The page's policy lets no foreign script in; the debugger's own evaluation is not asked.
    page.evaluate(script())
    result: Any = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
