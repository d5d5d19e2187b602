"""Answers' times find their way into the record, and never into anybody's way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from galosh import gguf
from galosh.base.paths import Paths
from galosh.fit import read_shape, record
from galosh.fit.learn import power_word
from galosh.fit.measured import Circumstances, Cost, Measured
from galosh.fit.recorder import Recorder, engine_name
from galosh.fit.work import read_work
from galosh.hardware.facts import Fact, PowerFacts
from tests.fakes import gguf_models as models

NOW = Circumstances("e", "battery", 2)


def on_battery() -> PowerFacts:
    return PowerFacts(Fact(value=True, source="t"), Fact(None, "t"))


def tell(recorder: Recorder, model: Path, **facts: Any) -> None:
    recorder.record_run(
        model, engine="e", threads=2, prompt_tokens=500, cached_tokens=100, prefill_seconds=2.0,
        completion_tokens=64, decode_seconds=4.0, **facts,
    )  # fmt: skip


def test_an_answer_is_kept_beside_what_was_expected(paths: Paths, tmp_path: Path) -> None:
    model = models.llama().write(tmp_path / "m.gguf", seed=1)
    header = gguf.check_file(model)
    work = read_work(header, read_shape(header))
    recorder = Recorder(paths, on_battery)
    tell(recorder, model)
    recorder.close()
    [run] = record.runs_for(paths, NOW)
    assert run.identity == record.identity_of(header)
    assert (run.read_tokens, run.completion_tokens) == (400, 64)
    assert run.expected_decode_seconds is None  # nothing was measured yet
    record.keep_measured(
        paths,
        Measured(NOW, dict.fromkeys(work.kinds(), Cost(1e-4, 1e-2)),
                 dict.fromkeys(work.heads(), (1e-7, 1e-8)), 1e-6, 1e-10),
    )  # fmt: skip
    recorder = Recorder(paths, on_battery)
    tell(recorder, model, gpu_layers=0, together=2)
    recorder.close()
    newest = record.runs_for(paths, NOW)[0]
    assert newest.expected_decode_seconds is not None
    assert newest.expected_decode_seconds > 64 * 15 * 1e-4
    assert newest.together == 2


def test_layers_on_a_card_are_another_engine(paths: Paths, tmp_path: Path) -> None:
    model = models.llama().write(tmp_path / "m.gguf", seed=1)
    recorder = Recorder(paths, on_battery)
    tell(recorder, model, gpu_layers=20)
    recorder.close()
    assert record.runs_for(paths, NOW) == []
    assert len(record.runs_for(paths, Circumstances(engine_name("e", 20), "battery", 2))) == 1


@pytest.mark.parametrize("kind", ["missing", "broken"])
def test_a_model_that_cannot_be_read_is_passed_over(
    paths: Paths, tmp_path: Path, kind: str
) -> None:
    model = tmp_path / "m.gguf"
    if kind == "broken":
        model.write_bytes(b"GGUF" + bytes(40))
    recorder = Recorder(paths, on_battery)
    tell(recorder, model)
    recorder.close()
    assert record.runs_for(paths, NOW) == []


def test_it_blocks_nobody_and_drops_what_is_too_much(paths: Paths, tmp_path: Path) -> None:
    model = models.llama().write(tmp_path / "m.gguf", seed=1)
    gate = threading.Event()

    def slow() -> PowerFacts:
        assert gate.wait(30)
        return on_battery()

    recorder = Recorder(paths, slow)
    for _ in range(50):
        tell(recorder, model)  # returns although the writer stands still
    gate.set()
    recorder.close()
    assert 1 <= len(record.runs_for(paths, NOW)) <= 9
    tell(recorder, model)  # after the end too


def test_power_in_a_word() -> None:
    assert power_word(PowerFacts(Fact(None, "t"), Fact(None, "t"))) == "unknown"
    mains = PowerFacts(Fact(value=False, source="t"), Fact("performance", "t"))
    assert power_word(mains) == "mains performance"
