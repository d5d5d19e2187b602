"""Completions: what the parser knows is offered, in the real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.cli import completions, main
from galosh.cli.parser import VERBS, build_parser
from galosh.cli.shell_scripts import SHELLS, read_table
from tests.fakes.serving import serving

REPO = Path(__file__).parents[2]
ROOTS = ("core", "installer", "daemon", "tray", "presets")


def test_the_table_knows_every_command_and_what_each_place_is() -> None:
    table = read_table(build_parser())
    assert set(table[""].words) == set(VERBS) - {"complete"}
    assert table["models use"].arguments == ("@models",)
    assert table["models template"].arguments == ("@models", "@templates")
    assert table["ask"].values["-p"] == "@presets"
    assert table["chat"].values["--preset"] == "@samplers"
    assert table["models add"].arguments == ("@files",)
    assert table["settings set"].arguments == ("@settings", "@")
    assert table["fit"].values["--cache-type"].split()[0] == "f32"
    assert "--think" not in table["ask"].values  # it takes none
    assert table["ask"].rest == "@"


@pytest.mark.parametrize("tongue", ["en", "ru"])
@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_scripts_in_every_language_and_for_nothing_but_their_shell(
    shell: str, tongue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALOSH_LANG", tongue)
    text = completions.script(shell)
    assert "Made by: galosh completions" in text[:200]
    assert "@CASES@" not in text
    assert "@ROWS@" not in text


class TestNames:
    def test_without_a_daemon(self, paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
        paths.models.mkdir(parents=True)
        (paths.models / "my.gguf").write_bytes(b"")
        own = paths.presets / "samplers" / "Divine Intellect.yaml"
        own.parent.mkdir(parents=True)
        own.write_text("temperature: 1")
        found = {kind: names(kind, capsys) for kind in ("models", "samplers", "presets", "wrong")}
        assert found["models"] == ["my.gguf"]
        assert {"balanced", "Divine Intellect"} <= set(found["samplers"])
        assert {"fix-grammar", "balanced"} <= set(found["presets"])
        assert found["wrong"] == []
        assert "model.default" in names("settings", capsys)
        assert "qwen3.5-4b" in names("sources", capsys)
        assert {"auto", "alpaca"} <= set(names("templates", capsys))
        assert names("engines", capsys) == names("downloads", capsys) == []

    def test_with_one(self, paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
        with serving(paths):
            assert names("models", capsys)[:2] == ["starter", "other"]

    @pytest.mark.long
    def test_quick_enough_to_wait_for(self) -> None:
        best = min(seconds_of("samplers") for _ in range(3))
        sys.stderr.write(f"names for a shell: {best * 1000:.0f} ms\n")
        assert best < 1.5


def names(kind: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["complete", kind]) == 0
    return capsys.readouterr().out.splitlines()


def seconds_of(kind: str) -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "galosh.cli", "complete", kind],
        env=environment(), check=True, capture_output=True,
    )  # fmt: skip
    return time.monotonic() - began


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(REPO / root) for root in ROOTS)}


@pytest.fixture
def galosh(tmp_path: Path, paths: Paths) -> Iterator[Path]:
    """A folder with the command, for a shell's PATH, and files to choose from."""
    command = tmp_path / "bin" / "galosh"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m galosh.cli "$@"\n')
    command.chmod(0o755)
    (tmp_path / "my model.gguf").write_bytes(b"")
    with serving(paths):
        yield command.parent


def run_shell(command: list[str], galosh: Path, script: str) -> str:
    environ = {**environment(), "PATH": f"{galosh}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, input=script, env=environ, cwd=galosh.parent, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def in_bash(galosh: Path, lines: Sequence[str]) -> list[list[str]]:
    """What bash offers for each line, by the script's own function."""
    script = 'eval "$(galosh completions bash)"\ncomplete -p galosh >/dev/null || exit 1\n'
    for line in lines:
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script += (
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
            "_galosh 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\" ---\n"
        )
    return blocks(run_shell(["bash", "--norc"], galosh, script))


def in_fish(galosh: Path, lines: Sequence[str]) -> list[list[str]]:
    """What fish offers for each line (`complete -C`), without descriptions."""
    script = "galosh completions fish | source\n"
    script += "".join(f"complete -C '{line}'; echo ---\n" for line in lines)
    found = blocks(run_shell(["fish", "--no-config"], galosh, script))
    return [[one.split("\t")[0] for one in block] for block in found]


def in_zsh(galosh: Path, lines: Sequence[str]) -> list[list[str]]:
    """What zsh's completion system is given: `compadd` and `_describe` are written down."""
    script = (
        "autoload -Uz compinit; compinit -u -D\n"
        'eval "$(galosh completions zsh)"\n'
        "[[ ${_comps[galosh]} == _galosh ]] || exit 1\n"
        "compadd() { local one\n"
        "  if [[ $1 == -a ]]; then shift; for one in ${(P)1}; do print -r -- $one; done\n"
        "  else shift; print -rl -- $@; fi }\n"
        "_describe() { local one; for one in ${(P)2}; do print -r -- ${one%%:*}; done }\n"
        "_files() { print -rl -- *(N) }\n"
    )
    for line in lines:
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script += f"words=({quoted}); CURRENT={len(words)}\n_galosh; print -r -- ---\n"
    found = blocks(run_shell(["zsh", "-f"], galosh, script))
    begun = [line.split(" ")[-1] for line in lines]
    return [
        [one for one in block if one.startswith(start)]
        for block, start in zip(found, begun, strict=True)
    ]


def blocks(shown: str) -> list[list[str]]:
    return [[one for one in block.splitlines() if one] for block in shown.split("---\n")[:-1]]


CASES = [
    ("galosh mod", {"models"}, set()),
    ("galosh models ", {"list", "use", "template"}, {"models"}),
    ("galosh models use ", {"starter", "other"}, {"list"}),
    ("galosh --json models use st", {"starter"}, {"other"}),
    ("galosh models template starter al", {"alpaca"}, {"starter"}),
    ("galosh ask -p fix", {"fix-grammar"}, {"balanced"}),
    ("galosh ask -m starter --pre", {"--preset"}, {"--model"}),
    ("galosh ask -m ", {"starter"}, {"fix-grammar"}),
    ("galosh settings set model.", {"model.default", "model.preset"}, {"log.level"}),
    ("galosh fit --cache-type q8", {"q8_0"}, {"f16"}),
    ("galosh completions ", {"bash", "zsh", "fish", "powershell"}, set()),
    ("galosh ask --max-tokens ", set(), {"fix-grammar", "starter"}),
]
OFFERS: dict[str, Callable[[Path, Sequence[str]], list[list[str]]]] = {
    "bash": in_bash,
    "fish": in_fish,
    "zsh": in_zsh,
}


@pytest.mark.long
@pytest.mark.parametrize("shell", [one for one in OFFERS if shutil.which(one)])
def test_in_the_real_shell(shell: str, galosh: Path) -> None:
    lines = [line for line, _, _ in CASES]
    *offers, files = OFFERS[shell](galosh, [*lines, "galosh models add my"])
    for (line, offered, not_offered), found in zip(CASES, offers, strict=True):
        assert offered <= set(found), (line, found)
        assert not not_offered & set(found), (line, found)
    assert [one.replace("\\", "") for one in files] == ["my model.gguf"]


def test_bash_is_there() -> None:
    """Of the shells above at least this one was tried."""
    assert shutil.which("bash")


class TestInstalling:
    @pytest.fixture
    def environ(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        system = tmp_path / "system"
        monkeypatch.setattr(completions, "_SYSTEM", system)
        return {"HOME": str(tmp_path / "user")}

    def test_only_where_a_shell_would_look(self, environ: dict[str, str], tmp_path: Path) -> None:
        assert completions.install(environ) == []
        home = tmp_path / "user"
        (home / ".config" / "fish").mkdir(parents=True)
        (home / ".local" / "share" / "zsh" / "site-functions").mkdir(parents=True)
        (tmp_path / "system" / "bash-completion").mkdir(parents=True)
        (tmp_path / "system" / "bash-completion" / "bash_completion").touch()
        written = completions.install(environ)
        assert {file.relative_to(home).as_posix() for file in written} == {
            ".config/fish/completions/galosh.fish",
            ".local/share/bash-completion/completions/galosh",
            ".local/share/zsh/site-functions/_galosh",
        }
        assert completions.install(environ) == written  # written anew, as after an update
        assert set(completions.remove(environ)) == set(written)
        assert completions.remove(environ) == []

    def test_a_file_of_the_users_is_neither_replaced_nor_removed(
        self, environ: dict[str, str], tmp_path: Path
    ) -> None:
        file = tmp_path / "user" / ".config" / "fish" / "completions" / "galosh.fish"
        file.parent.mkdir(parents=True)
        file.write_text("# mine\n")
        assert completions.install(environ) == completions.remove(environ) == []
        assert file.read_text() == "# mine\n"

    def test_a_galosh_in_one_folder_writes_nowhere_else(self, environ: dict[str, str]) -> None:
        assert completions.targets({**environ, "GALOSH_HOME": "/x"}) == {}
