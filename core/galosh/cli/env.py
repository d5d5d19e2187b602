"""`galosh env`: the lines by which other programs of this shell find galosh.

Prints the token: it is meant for `eval "$(galosh env)"`, not for a screen others see.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from galosh.api import is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Print one line per variable. Raises GaloshError `api-daemon-away`, `cli-no-port`."""
    paths = Paths.find()
    facts = is_running(paths)
    if facts is None:
        raise GaloshError("api-daemon-away", place=str(paths.socket))
    if facts.port is None:
        raise GaloshError("cli-no-port", settings=str(paths.settings_file))
    values = variables(facts.port, paths.token_file.read_text(encoding="utf-8").strip())
    shell = arguments.shell or _own_shell(os.environ)
    write = SHELLS[shell]
    output.result(values, "\n".join(write(name, value) for name, value in values.items()))
    if output.interactive:
        output.note(say("cli.env-use", command=_USES[shell]))
    return 0


def variables(port: int, token: str) -> dict[str, str]:
    """What OpenAI's, Anthropic's and Ollama's clients look for."""
    address = f"http://127.0.0.1:{port}"
    return {
        "OPENAI_BASE_URL": f"{address}/v1",
        "OPENAI_API_KEY": token,
        "ANTHROPIC_BASE_URL": address,
        "ANTHROPIC_API_KEY": token,
        "OLLAMA_HOST": address,
        "OLLAMA_API_KEY": token,
    }


def _own_shell(environ: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        return "powershell"
    return "fish" if environ.get("SHELL", "").endswith("/fish") else "sh"


# No value needs escaping: an address and a token in hexadecimal.
SHELLS: Mapping[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f'export {name}="{value}"',
    "fish": lambda name, value: f'set -gx {name} "{value}"',
    "powershell": lambda name, value: f'$Env:{name} = "{value}"',
    "cmd": lambda name, value: f"set {name}={value}",
}
_USES = {
    "sh": 'eval "$(galosh env)"',
    "fish": "galosh env | source",
    "powershell": "galosh env | Out-String | Invoke-Expression",
    "cmd": "for /f \"delims=\" %i in ('galosh env --shell cmd') do @%i",
}
