"""The probe in a real engine: right sizes of numbers, a refusal beside busy programs.

How fast this PC is does not matter here, and test machines are busy: what is checked are
relations that hold at any load, with the crowd guard of the child taken off.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.engine.records import Engine
from galosh.fit import probe, record
from galosh.fit.learn import EngineUsed, learn_speed
from galosh.fit.measured import Circumstances, Cost, Measured, read_answer
from galosh.fit.work import Attention, Heads, Kind, Product, Work
from galosh.hardware import CpuFacts, Fact, Machine, MemoryFacts

MIB = 1 << 20
NOW = Circumstances("engine-1", "mains", 1)
Q4_K, Q8_0, F16 = 12, 8, 1


@pytest.fixture(scope="module")
def answered(real_engine: Engine) -> tuple[dict[str, object], Measured]:
    """One run of the child, however busy this PC is."""
    request = probe.request_for(1, None, 64 * MIB, (1,), 30.0)
    request |= {
        "least_share": 0.0,
        "kinds": [[Q4_K, 1024, 1024], [Q8_0, 1024, 1024], [F16, 64, 64]],
        "attentions": [[64, 64, 4, 2], [128, 128, 8, 8]],
        "width": 256,
    }
    answer = probe.ask_child(real_engine.python, request)
    return answer, read_answer(answer, request, NOW, 1.0)


@pytest.mark.engine
def test_costs_have_the_right_order(answered: tuple[dict[str, object], Measured]) -> None:
    measured = answered[1]
    assert len(measured.kinds) == 3
    assert len(measured.heads) == 2
    big, small = measured.kinds[Kind(Q4_K, 1024, 1024)], measured.kinds[Kind(F16, 64, 64)]
    assert small.one_seconds < big.one_seconds < 1.0
    assert big.one_seconds < big.batch_seconds < 128 * 2 * big.one_seconds
    wide = measured.heads[Heads(128, 128, 8, 8)]
    assert wide[0] > wide[1] / 8 > 0
    assert 0 < measured.node_seconds < 0.01
    assert 1e6 < measured.far_rates[1] < 1e12
    assert measured.limit_rate is not None


@pytest.mark.engine
def test_what_there_is_no_time_for_is_left_out(real_engine: Engine) -> None:
    request = probe.request_for(1, None, 0, (1,), 0.0)
    answer = probe.ask_child(real_engine.python, request)
    assert set(answer["kinds"]) == {None}
    with pytest.raises((TypeError, ValueError)):
        read_answer(answer, request, NOW, 1.0)


def test_what_is_known_is_not_asked_again() -> None:
    work = Work(
        (
            Product(Kind(Q4_K, 64, 64), 2, 1.0, 1000),
            Product(Kind(Q8_0, 64, 64), 1, 1.0, 9000),
        ),
        (Attention(Heads(8, 8, 2, 1), 2, 0), Attention(Heads(16, 16, 2, 1), 2, 0)),
        64, 1, 1, 1, 0,
    )  # fmt: skip
    whole = probe.request_for(1, work, 1, (), 1.0)
    assert whole["kinds"] == [[Q8_0, 64, 64], [Q4_K, 64, 64]]  # what is read most comes first
    known = Measured(NOW, {Kind(Q8_0, 64, 64): Cost(1, 2)}, {Heads(8, 8, 2, 1): (1, 2)}, 1, 1)
    rest = probe.request_for(1, work, 1, (), 1.0, known)
    assert rest["kinds"] == [[Q4_K, 64, 64]]
    assert rest["attentions"] == [[16, 16, 2, 1]]


@contextmanager
def busy_programs(count: int) -> Iterator[None]:
    loop = [sys.executable, "-c", "print(1, flush=True)\nwhile True: pass"]
    running = [subprocess.Popen(loop, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for one in running:
            assert one.stdout is not None
            one.stdout.readline()
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()
            assert one.stdout is not None
            one.stdout.close()


@pytest.mark.engine
def test_a_busy_pc_is_not_measured(
    paths: Paths, real_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    cores = os.cpu_count() or 1
    now = Circumstances("engine-1", "mains", cores)
    with busy_programs(2 * cores):
        assert probe.measure(real_engine.python, now, None, None).refused == "busy"
        # The child itself sees it too, where nobody looked before.
        monkeypatch.setattr(probe, "is_busy", lambda: False)
        begun = time.monotonic()
        assert probe.measure(real_engine.python, now, None, None).refused == "busy"
        assert time.monotonic() - begun < 40
        said = learn_speed(paths, _pc(), EngineUsed("e", real_engine.python))
    assert said.measured is None
    assert said.bandwidth.refused == "busy"
    assert record.measured_for(paths, Circumstances("e", "unknown", 1)) is None


def test_no_memory_is_taken_where_little_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "is_busy", lambda: False)
    assert probe.measure(Path("nowhere"), NOW, None, 100 * MIB).refused == "memory"


@pytest.mark.parametrize(
    "script",
    ["import sys; sys.exit(3)", "print('{')", "print('[1]')", "print('{}')",
     'print(\'{"share": 1, "kinds": []}\')', "import os; os.abort()"],
)  # fmt: skip
def test_an_engine_that_answers_nonsense_is_a_failure(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "is_busy", lambda: False)
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    assert probe.measure(python, NOW, None, None).refused == "failed"


def test_what_is_known_is_not_measured_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Circumstances] = []
    known = Measured(Circumstances("e", "unknown", 1), {}, {}, 1e-6, 1e-9, 2e9, {1: 1e9}, 256, 5.0)

    def measure(_python: Path, now: Circumstances, *_: object, **__: object) -> probe.Outcome:
        asked.append(now)
        return probe.Outcome(known)

    monkeypatch.setattr("galosh.fit.learn.measure", measure)
    used = EngineUsed("e", Path("nowhere"))
    assert learn_speed(paths, _pc(), used).measured == known
    assert learn_speed(paths, _pc(), used).measured == known
    assert len(asked) == 1
    learn_speed(paths, _pc(), EngineUsed("rebuilt", Path("nowhere")))  # another engine
    learn_speed(paths, _pc(on_battery=True), used)  # another power source
    learn_speed(paths, _pc(), used, threads=2)  # other threads
    assert [(one.engine, one.power, one.threads) for one in asked[1:]] == [
        ("rebuilt", "unknown", 1), ("e", "battery", 1), ("e", "unknown", 2),
    ]  # fmt: skip


def _pc(*, on_battery: bool | None = None) -> Machine:
    from galosh.hardware.facts import PowerFacts

    return Machine(
        cpu=CpuFacts(physical_cores=Fact(1, "t")),
        memory=MemoryFacts(Fact(8 << 30, "t"), Fact(6 << 30, "t"), Fact(None, "t")),
        power=PowerFacts(Fact(on_battery, "t"), Fact(None, "t")),
    )
