"""The daemon has aiohttp's server alone, and whoever wants the rest of it still gets it."""

from __future__ import annotations

import subprocess
import sys


def _run(code: str) -> str:
    command = [sys.executable, "-c", f"import sys\nimport galosh.server\n{code}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_daemon_does_not_load_the_client() -> None:
    assert _run("print('aiohttp.web' in sys.modules, 'aiohttp.connector' in sys.modules)") == (
        "True False"
    )


def test_a_name_of_the_client_brings_it() -> None:
    code = "import aiohttp\nprint(aiohttp.ClientSession.__name__, 'ClientError' in aiohttp.__all__)"
    assert _run(code) == "ClientSession True"
    assert _run("from aiohttp import ClientTimeout, web\nprint(web.__name__)") == "aiohttp.web"


def test_both_halves_are_of_one_package() -> None:
    code = "import aiohttp\nfrom aiohttp import web\nprint(aiohttp.ClientSession and "
    assert _run(code + "web.WSMsgType is aiohttp.WSMsgType)") == "True"


def test_a_name_that_nobody_has_is_an_attribute_error() -> None:
    code = "import aiohttp\nprint(hasattr(aiohttp, 'nothing'), hasattr(aiohttp, '__wrapped__'))"
    assert _run(code) == "False False"


def test_whole_aiohttp_stays_whole_where_it_came_first() -> None:
    code = "import aiohttp\nimport galosh.server\nprint(aiohttp.ClientSession.__name__)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == (
        "ClientSession"
    )
