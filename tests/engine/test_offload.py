"""Offload: which card, how many layers, and that only a measured gain keeps it.

No GPU is here: cards are recorded answers of drivers, trials are played by fakes, and the
real engine (built for the processor alone) shows what happens where there is nothing to gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.engine import offload_trial
from galosh.engine.offload import (
    Card,
    Decision,
    Reason,
    Sizes,
    choose_card,
    layers_that_fit,
    shared_growth,
)
from galosh.engine.offload_trial import decide_offload, engine_trials, keep, kept, kept_layers
from galosh.engine.records import Engine, Trial
from galosh.hardware.facts import Fact, GpuFacts, Machine
from galosh.hardware.gpu_texts import read_nvidia, read_shared_usage
from tests.hardware import recorded

MIB, GIB = 1 << 20, 1 << 30
# An 8-billion model: 36 layers of 130 MiB, an output of 330, some working space.
EIGHT_B = Sizes((130 * MIB,) * 36, 330 * MIB, 300 * MIB)
RTX = Card("RTX 3060", "nvidia", 11 * GIB, 12 * GIB, integrated=False)
CPU = Trial(ok=True, text="Paris", prefill_tps=40.0, decode_tps=8.0)


def trial(times: float) -> Trial:
    """A trial so many times as fast as the processor's."""
    return Trial(ok=True, text="Paris", prefill_tps=40.0 * times, decode_tps=8.0 * times)


class Engines:
    """Answers trials from a list; the first is the processor's."""

    def __init__(self, *gpu: Trial, cpu: Trial = CPU) -> None:
        self.asked: list[int] = []
        self._cpu = cpu
        self._gpu = list(gpu)

    def __call__(self, layers: int) -> Trial:
        self.asked.append(layers)
        return self._cpu if layers == 0 else self._gpu.pop(0)


def decide(
    engines: Engines, card: Card | None = RTX, setting: str = "auto", sizes: Sizes = EIGHT_B,
    shared: Sequence[int] = (), *, supports: bool = True,
) -> Decision:  # fmt: skip
    values = list(shared)

    def look() -> int | None:
        return (values.pop(0) if len(values) > 1 else values[0]) if values else None

    return decide_offload(setting, card, sizes, engines, supports_gpu=supports, shared_bytes=look)


def machine(*gpus: GpuFacts) -> Machine:
    return Machine(gpus=gpus)


def gpu(name: str, free: int | None, total: int | None, integrated: bool | None) -> GpuFacts:
    return GpuFacts(
        name=Fact(name, "t"), vendor=Fact("amd", "t"), total_bytes=Fact(total, "t"),
        free_bytes=Fact(free, "t"), integrated=Fact(integrated, "t"),
    )  # fmt: skip


def test_a_measured_gain_is_kept() -> None:
    engines = Engines(trial(3.0))
    found = decide(engines)
    assert (found.layers, found.reason, found.most_layers) == (37, "faster", 37)
    assert found.gain == pytest.approx(3.0)
    assert engines.asked == [0, 37]


@pytest.mark.parametrize("times", [0.5, 1.0, 1.19])
def test_slower_or_hardly_faster_is_not(times: float) -> None:
    found = decide(Engines(trial(times)))
    assert (found.layers, found.reason) == (0, "not-faster")
    assert found.gain == pytest.approx(times)


def test_reading_faster_does_not_pay_for_writing_slower() -> None:
    """A built-in GPU often reads a prompt faster and writes at half the speed."""
    mixed = Trial(ok=True, text="Paris", prefill_tps=120.0, decode_tps=4.0)
    assert decide(Engines(mixed)).reason == "not-faster"


def test_quick_rubbish_is_rubbish() -> None:
    rubbish = Trial(ok=False, cause="garbage", detail="the text it wrote makes no sense")
    assert decide(Engines(rubbish)).reason == "garbage"


@pytest.mark.parametrize("cause", ["timeout", "abort", "segmentation-fault"])
def test_a_crash_costs_nothing_but_the_trial(cause: str) -> None:
    engines = Engines(Trial(ok=False, cause=cause, detail="ggml_vk_abort"))
    found = decide(engines)
    assert (found.layers, found.reason) == (0, "crashed")
    assert cause in found.detail
    assert engines.asked == [0, 37]


def test_a_full_card_gets_fewer_layers() -> None:
    """On Linux a load fails where memory is short; half of the layers may still gain."""
    refused = Trial(ok=False, cause="load-failed", detail="cudaMalloc failed: out of memory")
    engines = Engines(refused, trial(1.6))
    assert decide(engines).layers == 18
    assert engines.asked == [0, 37, 18]
    never = Engines(refused, refused, refused)
    assert decide(never).reason == "crashed"
    assert never.asked == [0, 37, 18, 9]


def test_what_spills_into_ram_is_not_kept_however_fast() -> None:
    assert decide(Engines(trial(2.0)), shared=[50 * MIB, 900 * MIB]).reason == "spilled"
    assert decide(Engines(trial(2.0)), shared=[50 * MIB, 90 * MIB]).reason == "faster"
    assert shared_growth([], [900]) is None
    assert shared_growth([50], [40, 45]) == 0


def test_where_nothing_can_be_gained_nothing_is_tried() -> None:
    cases: list[tuple[Reason, Card | None, str, bool]] = [
        ("off", RTX, "off", True),
        ("no-gpu", None, "auto", True),
        ("engine-cpu-only", RTX, "auto", False),
        ("memory-unknown", Card("H100 MIG", "nvidia", None, None, False), "auto", True),
        ("does-not-fit", Card("GT 710", "nvidia", 500 * MIB, GIB, False), "auto", True),
    ]
    for reason, card, setting, supports in cases:
        engines = Engines()
        found = decide(engines, card, setting, supports=supports)
        assert (found.reason, found.layers, engines.asked) == (reason, 0, [])


def test_without_a_sound_trial_of_the_processor_nothing_is_claimed() -> None:
    broken = Trial(ok=False, cause="timeout")
    assert decide(Engines(trial(9.0), cpu=broken)).reason == "cpu-trial-failed"


def test_free_memory_counts_not_all_of_it() -> None:
    assert layers_that_fit(EIGHT_B, RTX) == 37
    browser = Card("RTX 3060", "nvidia", 4 * GIB, 12 * GIB, integrated=False)
    # 4 GiB less 1.2 GiB (a tenth of the card) less 300 MiB of work: 19 layers of 130 MiB.
    assert layers_that_fit(EIGHT_B, browser) == 19
    small = Card("GTX 1650", "nvidia", 2 * GIB, 4 * GIB, integrated=False)
    assert layers_that_fit(EIGHT_B, small) == (2048 - 600 - 300) // 130


@given(
    st.lists(st.integers(1, GIB), min_size=1, max_size=80), st.integers(0, GIB),
    st.integers(0, 2 * GIB), st.integers(0, 200 * GIB), st.integers(0, 200 * GIB),
)  # fmt: skip
def test_what_is_left_free_is_always_left_free(
    layers: list[int], output: int, work: int, free: int, total: int
) -> None:
    sizes = Sizes(tuple(layers), output, work)
    count = layers_that_fit(sizes, Card("x", "amd", free, total or None, integrated=False))
    assert count is not None
    assert 0 <= count <= sizes.most_layers
    taken = sum([*reversed(layers), output][:count])
    if count:
        assert taken + work + max(600 * MIB, (total or free) // 10) <= free


def test_a_card_comes_before_a_built_in_one() -> None:
    built_in = gpu("Radeon 680M", 8 * GIB, 512 * MIB, True)
    card = gpu("RX 7900", 14 * GIB, 16 * GIB, False)
    assert choose_card(machine()) is None
    for order in ((built_in, card), (card, built_in)):
        found = choose_card(machine(*order))
        assert found is not None
        assert (found.name, found.integrated) == ("RX 7900", False)
    alone = choose_card(machine(built_in))
    assert alone is not None
    assert alone.integrated
    unknown = choose_card(machine(gpu("?", None, None, None)))
    assert unknown is not None
    assert unknown.integrated


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        (recorded.NVIDIA_SMI, 37),
        ("NVIDIA GeForce GTX 1050, 535.104, 2048, 1531\n", 4),
        ("NVIDIA GeForce RTX 3060, 550.90.07, 12288, 700\n", 0),  # others hold it
        (recorded.NVIDIA_SMI_MIG, None),
    ],
)
def test_recorded_cards(text: str, layers: int | None) -> None:
    card = choose_card(machine(*read_nvidia(text, "nvidia-smi")))
    assert card is not None
    assert layers_that_fit(EIGHT_B, card) == layers


def test_rubbish_is_no_card() -> None:
    assert choose_card(machine(*read_nvidia(recorded.RUBBISH, "nvidia-smi"))) is None


TYPEPERF = (
    '\r\n"(PDH-CSV 4.0)","\\\\PC\\GPU Adapter Memory(luid_0x0_0xE1C9_phys_0)\\Shared Usage",'
    '"\\\\PC\\GPU Adapter Memory(luid_0x0_0xF3A2_phys_0)\\Shared Usage"\r\n'
    '"11/25/2026 22:58:20.123","134217728.000000","4096.000000"\r\n'
    "Exiting, please wait...\r\nThe command completed successfully.\r\n"
)


def test_windows_tells_what_spilled() -> None:
    assert read_shared_usage(TYPEPERF) == 134217728 + 4096
    assert read_shared_usage(TYPEPERF.replace(".000000", ",000000")) == 134217728 + 4096
    for text in ("", "Error: No valid counters.\r\n", recorded.RUBBISH, '"a","b"\n"c","-1"\n'):
        assert read_shared_usage(text) is None


def test_a_decision_is_kept_per_engine_and_model(paths: Paths, tmp_path: Path) -> None:
    model, other = tmp_path / "m.gguf", tmp_path / "n.gguf"
    model.write_bytes(b"1")
    other.write_bytes(b"22")
    faster = Decision(20, "faster", 31, "RTX 3060", 2.5)
    keep(paths, "cuda-1", model, Decision(9, "faster", 31))
    keep(paths, "cuda-1", model, faster)
    assert kept(paths, "cuda-1", model) == faster
    assert kept(paths, "cuda-2", model) is None
    assert kept(paths, "cuda-1", other) is None
    assert kept_layers(paths, "cuda-1", model, "auto") == 20
    assert kept_layers(paths, "cuda-1", model, "off") == 0
    assert kept_layers(paths, "cuda-1", other, "auto") == 0
    model.write_bytes(b"333")  # another file under the same name
    assert kept_layers(paths, "cuda-1", model, "auto") == 0


@pytest.mark.parametrize("text", ["", "[]", '{"decisions": 3}', '{"decisions": [1, {"key": "k"}]}'])
def test_a_damaged_record_is_as_none(paths: Paths, text: str, tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"1")
    (paths.state).mkdir(parents=True)
    (paths.state / "offload.json").write_text(text, encoding="utf-8")
    assert kept_layers(paths, "cuda-1", model, "auto") == 0
    assert offload_trial.newest(paths, 3) is None
    keep(paths, "cuda-1", model, Decision(3, "faster", 31, "card", 2.0))
    assert kept_layers(paths, "cuda-1", model, "auto") == 3


def test_the_setting_is_declared(paths: Paths) -> None:
    assert Settings.load(paths.settings_file).text("engine.gpu") == "auto"
    assert (
        Settings.load(paths.settings_file).change("engine.gpu", "off").text("engine.gpu") == "off"
    )


@pytest.mark.engine
def test_an_engine_for_the_processor_alone_says_so(
    real_engine: Engine, starter_model: Path
) -> None:
    """It takes the request for layers on a card and uses none: never called a gain."""
    assert not offload_trial.supports_gpu(real_engine)
    found = engine_trials(real_engine, starter_model, 1)(31)
    assert found.ok
    assert found.offloaded in ("", "0/31")
    assert found.decode_tps is not None
