"""The doctor on an empty home, on damaged parts, and over a running daemon."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from galosh.base import durable
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.catalogue import starter as starter_entry
from galosh.cli import main
from galosh.engine import offload_trial
from galosh.engine.offload import Decision
from galosh.engine.records import Manifest, Trial
from galosh.setup import checks, starter
from galosh.setup.doctor import examine
from tests.fakes.gguf_models import llama
from tests.fakes.serving import serving


def verdicts(paths: Paths) -> dict[str, str]:
    return {finding.key: finding.verdict for finding in examine(paths).findings}


def test_an_empty_home_lacks_engine_and_model(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    found = verdicts(paths)
    assert found["engine"] == found["model"] == "fail"
    assert found["daemon"] == "warn"
    assert found["folders"] == found["settings"] == found["tray"] == found["hotkey"] == "ok"
    assert main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["healthy"] is False
    assert set(document["checks"][0]) == {"key", "title", "value", "verdict", "advice"}
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "FAIL" in text
    assert "Run: galosh setup" in text


def test_every_finding_has_a_word_of_advice(paths: Paths) -> None:
    assert all(finding.advice and finding.title for finding in examine(paths).findings)


def test_a_running_daemon_is_seen(paths: Paths) -> None:
    with serving(paths):
        found = {finding.key: finding for finding in examine(paths).findings}
    assert found["daemon"].verdict == "ok"
    assert found["doors"].verdict == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="mode bits")
def test_a_token_others_can_read_is_a_fail(paths: Paths) -> None:
    durable.write_text(paths.token_file, "secret", mode=0o644)
    paths.token_file.chmod(0o644)
    finding = checks.check_doors(paths)
    assert finding.verdict == "fail"
    assert "secret" not in finding.value + finding.advice


def test_wrong_settings_name_the_line(paths: Paths) -> None:
    durable.write_text(paths.settings_file, "[api]\nport = 'x'\n")
    finding = checks.check_settings(paths)
    assert finding.verdict == "fail"
    assert "line 2" in finding.value


def test_a_damaged_model_is_a_fail(paths: Paths) -> None:
    paths.models.mkdir(parents=True)
    path = paths.models / starter_entry(paths).file_name
    whole = llama().to_bytes()
    for data in (whole[:-200], whole):
        path.write_bytes(data)
        finding = checks.check_model(paths)
        assert finding.verdict == "fail"
        assert "not the pinned ones" in finding.advice
    assert starter.receipt_hash(path) is None, "looking changes nothing"


class TestEngine:
    def put(self, paths: Paths, trial: Trial | None) -> None:
        folder = paths.engines / "one"
        (folder / "bin").mkdir(parents=True)
        shutil.copy(sys.executable, folder / "bin" / "python")
        manifest = Manifest(version="0.3.36", candidate="source-native", trial=trial)
        durable.write_json(folder / "manifest.json", manifest.to_json())
        durable.write_json(paths.engines / "current", {"current": "one"})

    def test_proven(self, paths: Paths) -> None:
        info = "CPU : SSE3 = 1 | AVX2 = 1 | AMX_INT8 = 0 | REPACK = 1 | "
        self.put(paths, Trial(ok=True, decode_tps=41.25, system_info=info))
        finding = checks.check_engine(paths)
        assert finding.verdict == "ok"
        assert "41.2 tokens/s" in finding.value
        assert checks.check_engine_use(paths).value == "CPU only: SSE3, AVX2, REPACK"

    def test_an_engine_for_a_card(self, paths: Paths) -> None:
        """The line is what llama.cpp said on an NVIDIA H200."""
        info = (
            "CUDA : ARCHS = 900 | USE_GRAPHS = 1 | FA_QUANTS = q4_0-q4_0,f16-f16 | "
            "CPU : SSE3 = 1 | AVX2 = 1 | AMX_INT8 = 1 | GALOSH_ROWS = 16 | "
        )
        self.put(paths, Trial(ok=True, decode_tps=400.0, system_info=info))
        found = checks.check_engine_use(paths)
        assert found.value == "CPU only: SSE3, AVX2, AMX_INT8"
        assert "galosh engine gpu" in found.advice
        kept = Decision(31, "faster", 31, "NVIDIA H200", 3.1)
        offload_trial.keep(paths, "one", paths.models / "m.gguf", kept)
        found = checks.check_engine_use(paths)
        assert found.value == "31 of 31 layers on NVIDIA H200; CPU: SSE3, AVX2, AMX_INT8"
        assert "3.10 times" in found.advice
        Settings.load(paths.settings_file).change("engine.gpu", "off")
        found = checks.check_engine_use(paths)
        assert found.value.startswith("CPU only")
        assert "engine.gpu is off" in found.advice

    def test_unproven(self, paths: Paths) -> None:
        self.put(paths, Trial(ok=False, cause="illegal-instruction"))
        finding = checks.check_engine(paths)
        assert finding.verdict == "fail"
        assert "illegal-instruction" in finding.advice


def test_a_broken_check_hides_no_other(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Paths) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(checks, "check_model", broken)
    found = verdicts(paths)
    assert found["model"] == "fail"
    assert found["settings"] == "ok"


def test_a_closed_folder_is_a_fail(paths: Paths) -> None:
    assert paths.home is not None
    paths.home.mkdir()
    Path(paths.data).write_text("a file")
    assert checks.check_folders(paths).verdict == "fail"
