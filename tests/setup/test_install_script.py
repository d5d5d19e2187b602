"""scripts/install.py: what it refuses before it begins, and what a failure leaves behind."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from scripts import install
from scripts.install_screen import Screen, cause

ROOT = Path(install.CHECKOUT)
SCRIPTS = ROOT / "scripts"


def run_installer(
    home: Path, *options: str, python: str = sys.executable, **environ: str
) -> subprocess.CompletedProcess[str]:
    """The real script in a process of its own."""
    return subprocess.run(
        [python, str(SCRIPTS / "install.py"), *options],
        env={**os.environ, "GALOSH_HOME": str(home), **environ},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=110,
    )


@pytest.mark.parametrize("name", ["install.py", "install_screen.py"])
def test_it_parses_on_python_3_6(name: str) -> None:
    ast.parse((SCRIPTS / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(install.Failure) as caught:
        install.check_python((3, 8), path=str(tmp_path))
    screen = io.StringIO()
    Screen(screen).fail(caught.value)
    assert "Python 3.10 or newer; this is Python 3.8" in screen.getvalue()
    assert screen.getvalue().count("Next:") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="an executable here is a shell script")
def test_an_old_python_goes_on_with_a_newer_one(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text("#!/bin/sh\n")
    newer.chmod(0o755)
    assert install.check_python((3, 9), path=str(tmp_path)) == str(newer)
    assert install.check_python((3, 10), path=str(tmp_path)) is None


def test_missing_venv_names_the_one_command() -> None:
    with pytest.raises(install.Failure) as caught:
        install.check_venv(missing=["ensurepip"])
    screen = io.StringIO()
    Screen(screen).fail(caught.value)
    expected = "python{}.{}-venv" if shutil.which("apt-get") else "complete Python"
    assert expected.format(*sys.version_info[:2]) in screen.getvalue()


@pytest.mark.parametrize("home", ["", "/some/where else", "~/galosh"])
def test_folders_agree_with_galosh_itself(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALOSH_HOME", home)
    ours, theirs = install.Folders(dict(os.environ)), Paths.find()
    assert (Path(ours.apps), Path(ours.state)) == (theirs.apps, theirs.state)
    assert (Path(ours.bin), Path(ours.log).parent) == (theirs.bin, theirs.logs)


def test_folders_agree_with_xdg_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GALOSH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    ours, theirs = install.Folders(dict(os.environ)), Paths.find()
    assert (Path(ours.apps), Path(ours.state)) == (theirs.apps, theirs.state)


def test_every_text_is_there_in_both_languages_with_the_same_facts() -> None:
    table = json.loads((SCRIPTS / "install_texts.json").read_text(encoding="utf-8"))
    pairs = [*table["texts"].values(), *table["labels"].values()]
    pairs += [text for failure in table["failures"].values() for text in failure.values()]
    for english, russian in pairs:
        fields = [
            {part.split("}")[0] for part in text.split("{")[1:]} for text in (english, russian)
        ]
        assert fields[0] == fields[1], english
    for failure in table["failures"].values():
        assert {"what", "why", "next"} <= set(failure)


def test_a_file_where_a_folder_should_be_is_explained(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "data").write_text("mine")
    done = run_installer(home)
    assert done.returncode == 1
    assert "could not write to" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "data").read_text() == "mine"


def test_an_unreachable_index_is_named_and_nothing_stays_behind(tmp_path: Path) -> None:
    home = tmp_path / "дом с пробелом"
    done = run_installer(
        home,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
        PIP_EXTRA_INDEX_URL="",
        PIP_RETRIES="0",
    )
    assert done.returncode == 1, done.stderr
    assert "package index did not answer" in done.stderr
    assert "Traceback" not in done.stderr
    left = {path.name for path in (home / "data" / "app").iterdir()}
    assert left == {".lock"}
    assert not (home / "bin" / "galosh").exists()
    assert "pip install" in (home / "state" / "logs" / "install.log").read_text(encoding="utf-8")


def test_russian_when_asked(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    done = run_installer(tmp_path / "home", GALOSH_LANG="ru", PYTHONUTF8="1")
    assert done.returncode == 1
    assert "не смогла записать" in done.stderr


def test_a_foreign_launcher_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    launcher = Path(install.Folders({"GALOSH_HOME": str(home)}).launcher)
    launcher.write_text("#!/bin/sh\necho mine\n")
    done = run_installer(home)
    assert done.returncode == 1
    assert "was not written by galosh" in done.stderr
    assert launcher.read_text() == "#!/bin/sh\necho mine\n"


def test_a_second_installer_is_kept_out(tmp_path: Path) -> None:
    folders = install.Folders({"GALOSH_HOME": str(tmp_path)})
    Path(folders.apps).mkdir(parents=True)
    with install.lock(folders), pytest.raises(install.Failure) as caught, install.lock(folders):
        pass
    assert caught.value.key == "busy"
    with install.lock(folders):  # and it is free again afterwards
        pass


def test_leftovers_go_and_the_environment_in_use_stays(tmp_path: Path) -> None:
    folders = install.Folders({"GALOSH_HOME": str(tmp_path)})
    apps = Path(folders.apps)
    for name in (".staging-abc", "in-use", "wanted", "long-gone"):
        (apps / name).mkdir(parents=True)
    (apps / "current").write_text('{"id": "in-use"}')
    (apps / ".galosh-tmp-7").write_text("{")
    for folder in (folders.bin, folders.state, str(Path(folders.log).parent)):
        Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folders.bin, ".galosh-tmp-x").write_text("")
    install.clean(folders, ("wanted", install.current_id(folders)))
    assert {path.name for path in apps.iterdir()} == {"in-use", "wanted", "current"}
    assert list(Path(folders.bin).iterdir()) == []


def test_an_incomplete_environment_does_not_count(tmp_path: Path) -> None:
    assert not install.answers(str(tmp_path))
    (tmp_path / install.RECEIPT).write_text("{}")
    assert not install.answers(str(tmp_path))


def test_a_damaged_pointer_means_none(tmp_path: Path) -> None:
    folders = install.Folders({"GALOSH_HOME": str(tmp_path)})
    Path(folders.apps).mkdir(parents=True)
    for text in ("", "[]", '{"id": 3}', "{"):
        (Path(folders.apps) / "current").write_text(text)
        assert install.current_id(folders) is None


def test_the_fingerprint_follows_the_sources(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "pyproject.toml").write_text("x")
    (tmp_path / "core" / "a.py").write_text("1")
    before = install.fingerprint(str(tmp_path))
    (tmp_path / "core" / "__pycache__").mkdir()
    (tmp_path / "core" / "__pycache__" / "a.pyc").write_text("bytes")
    assert install.fingerprint(str(tmp_path)) == before
    (tmp_path / "core" / "a.py").write_text("2")
    assert install.fingerprint(str(tmp_path)) != before


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_launcher_survives_quotes_and_cyrillic(tmp_path: Path) -> None:
    home = tmp_path / "it's «дом»"
    folders = install.Folders({"GALOSH_HOME": str(home)})
    app = home / "data" / "app" / "x"
    python = Path(install.env_python(str(app)))
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$GALOSH_HOME" "$@"\n')
    python.chmod(0o755)
    Path(folders.bin).mkdir()
    install.write_launcher(folders, str(app))
    done = subprocess.run(
        [folders.launcher, "ask", "a b"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stdout.splitlines() == [str(home), "-I", "-m", "galosh.cli", "ask", "a b"]


def test_times_are_added_to_what_is_there(tmp_path: Path) -> None:
    folders = install.Folders({"GALOSH_HOME": str(tmp_path)})
    Path(folders.state).mkdir()
    for _ in range(2):
        install.record(folders, 1.5, True)
    entries = json.loads((Path(folders.state) / "setup-times.json").read_text())
    assert [(entry["step"], entry["seconds"]) for entry in entries] == [("app", 1.5)] * 2


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("OSError: [Errno 28] No space left on device", "disk-full"),
        ("zipfile.BadZipFile: File is not a zip file", "wheel-corrupt"),
        ("ERROR: Could not find a version that satisfies the requirement x", "index-lacks"),
        ("NewConnectionError: x\nERROR: No matching distribution found for x", "index-away"),
        ("something else", None),
    ],
)
def test_causes_are_told_apart(output: str, key: str | None) -> None:
    assert cause(output) == key


def test_the_shell_wrapper_finds_a_python(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", str(SCRIPTS / "install.sh"), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "--starter-only" in done.stdout
    none = subprocess.run(
        ["/bin/sh", str(SCRIPTS / "install.sh")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "GALOSH_LANG": "en"},
    )
    assert none.returncode == 1
