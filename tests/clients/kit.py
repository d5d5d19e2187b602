"""Other people's clients, installed once into the test cache beside galosh's own environment.

They bring hundreds of packages between them, so they get environments of their own: no test
of ours may come to depend on what a client happens to bring along.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.real import CACHE

PROGRAMS = Path(__file__).with_name("programs")
PYTHON = (
    "anthropic", "openai", "ollama", "litellm", "langchain-openai", "langchain-ollama", "llm",
)  # fmt: skip
NODE = ("openai@6", "ollama@0.6")
_INSTALL_SECONDS = 900
_RUN_SECONDS = 100


def python() -> Path:
    """The interpreter that has the Python clients."""
    folder = _folder("python", PYTHON)
    interpreter = folder / "bin" / "python"
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            venv.EnvBuilder(with_pip=True, clear=True).create(folder)
            command = [str(interpreter), "-m", "pip", "install", "--quiet", *PYTHON]
            subprocess.run(command, check=True, timeout=_INSTALL_SECONDS)
            (folder / "ready").touch()
    return interpreter


def node() -> Path:
    """The folder that has the Node clients, programs included."""
    folder = _folder("node", NODE)
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text('{"type": "module", "private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--silent", *NODE]
            subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS)
            (folder / "ready").touch()
        for program in PROGRAMS.glob("*.mjs"):
            shutil.copy(program, folder / program.name)
    return folder


def run(program: str, environ: dict[str, str]) -> Any:
    """What a client program found."""
    if program.endswith(".mjs"):
        command, folder = ["node", program], node()
    else:
        command, folder = [str(python()), program], PROGRAMS
    # No setting of this machine's, no proxy, no home with other people's keys.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **environ},
        capture_output=True, text=True, timeout=_RUN_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"{program}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def _folder(kind: str, packages: tuple[str, ...]) -> Path:
    recipe = f"{sys.version}|{packages}"
    return CACHE / f"clients-{kind}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
