"""The launcher's lines, the times, the terminal, and what leaving takes away."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path

import pytest

from galosh.base.clock import SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.setup import launcher, times
from galosh.setup.leave import LAUNCHER_MARK, leave, plan_leaving
from galosh.setup.terminal import Terminal
from galosh.setup.view import Finding, FirstAnswer, PlannedStep, StepTime, Summary


def put_launcher(paths: Paths, text: str = f"#!/bin/sh\n# {LAUNCHER_MARK}\n") -> Path:
    file = launcher.launcher_file(paths)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


class TestLauncher:
    @pytest.mark.parametrize(
        ("shell", "line"),
        [
            ("/usr/bin/fish", "fish_add_path '{}'"),
            ("/bin/zsh", "~/.zshrc"),
            ("/bin/bash", "~/.bashrc"),
            ("", "~/.profile"),
        ],
    )
    @pytest.mark.skipif(sys.platform == "win32", reason="shells of Linux and macOS")
    def test_the_path_line_fits_the_shell(self, shell: str, line: str, paths: Paths) -> None:
        assert line.format(paths.bin) in launcher.path_line(paths, {"SHELL": shell})

    def test_found_on_path_only_when_it_is_ours(self, paths: Paths, tmp_path: Path) -> None:
        put_launcher(paths)
        assert launcher.is_on_path(paths, {"PATH": str(paths.bin)})
        assert not launcher.is_on_path(paths, {"PATH": str(tmp_path)})
        other = tmp_path / "other"
        other.mkdir()
        (other / launcher.launcher_file(paths).name).write_text("#!/bin/sh\n")
        (other / launcher.launcher_file(paths).name).chmod(0o755)
        assert not launcher.is_on_path(paths, {"PATH": f"{other}:{paths.bin}"})

    def test_the_path_line_comes_only_where_it_is_needed(self, paths: Paths) -> None:
        put_launcher(paths)
        assert len(launcher.next_things(paths, {"PATH": str(paths.bin)})) == 3
        assert "PATH" in launcher.next_things(paths, {"PATH": "", "SHELL": "/bin/sh"})[3]


class TestTimes:
    def test_they_add_up_and_survive_damage(self, paths: Paths) -> None:
        times.append(paths, SystemClock(), StepTime("model", 1.5, False))
        times.append(paths, SystemClock(), StepTime("model", 0.1, True))
        entries = times.read(paths)
        assert [entry["seconds"] for entry in entries if isinstance(entry, dict)] == [1.5, 0.1]
        (paths.state / times.FILE_NAME).write_text("{")
        assert times.read(paths) == []


class TestTerminal:
    def screen(self) -> tuple[Terminal, io.StringIO]:
        stream = io.StringIO()
        return Terminal(stream, interactive=False), stream

    def test_a_whole_setup_in_plain_lines(self) -> None:
        screen, stream = self.screen()
        screen.found([Finding("disk", "Disk", "5 GB free", "warn", "Little.")])
        screen.planned(
            [
                PlannedStep("model", "Starter model", 20.0, False),
                PlannedStep("engine", "Engine", None, True),
            ]
        )
        assert screen.ask_to_begin()
        screen.begin("model", "Starter model")
        screen.progress(0.5, "half")
        screen.end(StepTime("model", 12.3, False))
        screen.begin("answer", "First question")
        screen.question("Why?")
        screen.answer(" Because")
        screen.answer(" so.")
        screen.end(StepTime("answer", 1.0, False))
        screen.finish(
            Summary(True, FirstAnswer("Why?", "Because so.", 40.04, 200_000_000), ("try",))
        )
        assert stream.getvalue() == (
            "This PC:\n"
            "  ! Disk: 5 GB free\n"
            "      Little.\n"
            "\n"
            "What will be done:\n"
            "  1. Starter model (up to 20 s)\n"
            "  2. Engine (already done)\n"
            "\n"
            "Starter model: done in 12 s\n"
            "\n"
            "Asking the model: Why?\n"
            "  Because so.\n"
            "Measured: 40.0 tokens/s; memory in use: 200 MB\n"
            "\n"
            "Three things to try next:\n"
            "  try\n"
        )

    def test_a_long_step_shows_a_sign_of_life(self) -> None:
        """Takes 1.2 s: the point is what happens after a second."""
        screen, stream = self.screen()
        screen.begin("engine", "Engine")
        screen.step("setup.unpacking")
        screen.progress(0.25, "a note")
        assert screen._ticker is not None
        screen._ticker._over.wait(1.2)
        screen.end(StepTime("engine", 1.2, False))
        first = stream.getvalue().splitlines()[0]
        assert first.startswith("Engine … 1.")
        assert "unpacking and checking" in first
        assert " 25 %" in first
        assert "a note" in first

    @pytest.mark.parametrize(
        ("reply", "agreed"), [("", True), ("Y", True), ("да", True), ("n", False), ("нет", False)]
    )
    def test_the_one_question(self, reply: str, agreed: bool) -> None:
        screen = Terminal(io.StringIO(), interactive=False, ask=lambda _: reply)
        assert screen.ask_to_begin() is agreed

    def test_letters_the_stream_cannot_show_do_not_stop_it(self) -> None:
        raw = io.BytesIO()
        screen = Terminal(io.TextIOWrapper(raw, encoding="ascii"), interactive=False)
        screen.note("Готово …")
        assert raw.getvalue().endswith(b"?\n")


class TestLeaving:
    def fill(self, paths: Paths) -> None:
        for folder in (paths.models, paths.engines, paths.cache, paths.state, paths.config):
            folder.mkdir(parents=True)
            (folder / "file").write_bytes(b"12345")

    def test_everything_of_ours_goes(self, paths: Paths) -> None:
        self.fill(paths)
        put_launcher(paths)
        leaving = plan_leaving(paths, keep_models=False)
        assert leaving.size_bytes > 25
        leave(paths, leaving)
        assert paths.home is not None
        assert not paths.home.exists()

    def test_models_stay_when_asked(self, paths: Paths) -> None:
        self.fill(paths)
        leaving = plan_leaving(paths, keep_models=True)
        assert leaving.kept == (paths.models,)
        leave(paths, leaving)
        assert (paths.models / "file").exists()
        assert not paths.engines.exists()

    def test_what_the_user_wrote_stays_unless_asked_for(self, paths: Paths) -> None:
        self.fill(paths)
        (paths.notebooks / "bin").mkdir(parents=True)
        (paths.notebooks / "bin" / "sheet.json").write_text("{}")
        paths.chats.mkdir()
        leaving = plan_leaving(paths, keep_models=False)
        assert leaving.kept == (paths.notebooks,)  # nothing was ever said in a talk
        leave(paths, leaving)
        assert (paths.notebooks / "bin" / "sheet.json").exists()
        assert [path.name for path in paths.data.iterdir()] == ["notebooks"]
        both = plan_leaving(paths, keep_models=True)
        assert both.going == ()
        leave(paths, plan_leaving(paths, keep_models=False, with_notebooks=True))
        assert paths.home is not None
        assert not paths.home.exists()

    def test_a_launcher_of_somebody_else_stays(self, paths: Paths) -> None:
        self.fill(paths)
        file = put_launcher(paths, "#!/bin/sh\necho mine\n")
        leave(paths, plan_leaving(paths, keep_models=False))
        assert file.exists()

    def test_a_home_with_other_things_is_not_touched(self, paths: Paths) -> None:
        self.fill(paths)
        assert paths.home is not None
        (paths.home / "Documents").mkdir()
        with pytest.raises(GaloshError) as caught:
            plan_leaving(paths, keep_models=False)
        assert caught.value.code == "setup-leave-foreign"
        assert "Documents" in caught.value.why

    def test_nothing_there_is_fine(self, paths: Paths) -> None:
        leaving = plan_leaving(paths, keep_models=False)
        leave(paths, leaving)
        assert leaving.going == ()


def test_the_mark_is_what_the_installer_writes(paths: Paths) -> None:
    from scripts import install

    assert install.MARK == LAUNCHER_MARK
    folders = install.Folders({"GALOSH_HOME": str(paths.home)})
    assert Path(folders.launcher) == launcher.launcher_file(paths)
    if sys.platform != "win32":
        Path(folders.bin).mkdir(parents=True)
        install.write_launcher(folders, "/app")
        assert launcher.launcher_file(paths).stat().st_mode & stat.S_IXUSR
