"""The recommendation: live memory, language, licence, reading speed, then quality."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.catalogue import Entry
from galosh.fit import recommend
from galosh.fit.budget import Kind, Verdict
from galosh.fit.choice import Candidate, best, ordered
from galosh.fit.estimate import estimate
from galosh.fit.speed import Bandwidth, Rate
from galosh.fit.swap import advise
from galosh.gguf import Header, read_header
from galosh.gguf.source import BytesSource
from galosh.hardware import DiskFacts, Fact, Machine, MemoryFacts
from galosh.hardware.facts import OsFacts, SwapFacts
from tests.fakes import gguf_models as models

GIB = 1 << 30
GB = 1_000_000_000
QUIET = Bandwidth(None, 1, "busy")


def pc(
    gib: float, free_gib: float | None = None, *, system: str = "linux", container: str = "",
    wsl: int = 0, disk: str = "ssd", filesystem: str = "ext4", **swap: Any,
) -> Machine:  # fmt: skip
    free = gib * 0.75 if free_gib is None else free_gib
    return Machine(
        os=OsFacts(system=Fact(system, "t"), container=Fact(container, "t"), wsl=Fact(wsl, "t")),
        memory=MemoryFacts(Fact(int(gib * GIB), "t"), Fact(int(free * GIB), "t"), Fact(None, "t")),
        swap=SwapFacts(**{name: Fact(value, "t") for name, value in swap.items()}),
        disk=DiskFacts(kind=Fact(disk, "t"), filesystem=Fact(filesystem, "t")),
    )


def one(
    name: str, billions: float, kind: Kind = "fits", words: float | None = None,
    languages: tuple[str, ...] = ("en",), licence: str = "MIT", active: float | None = None,
) -> Candidate:  # fmt: skip
    entry = Entry(
        name, name, f"{name}.gguf", (), parameters_total=int(billions * GB), languages=languages,
        licence=licence, parameters_active=int(active * GB) if active else None,
    )  # fmt: skip
    rate = None if words is None else Rate(words / 2, words, words * 2)
    return Candidate(entry, 1, 1, Verdict(kind, 1), rate, estimated=True)


def named(candidates: list[Candidate], language: str = "en") -> str | None:
    found = best(candidates, language)
    return found.entry.id if found else None


def test_the_largest_that_fits_now() -> None:
    assert named([one("s", 1), one("m", 4), one("l", 9, "fits-after-closing")]) == "m"
    assert named([one("l", 9, "no"), one("u", 1, "unknown")]) is None


def test_the_users_language_comes_first() -> None:
    candidates = [one("english", 9), one("both", 4, languages=("en", "ru"))]
    assert named(candidates, "ru") == "both"
    assert named(candidates, "en") == "english"
    assert named(candidates, "fi") == "english"


def test_slower_than_reading_is_no_default_where_speed_is_known() -> None:
    assert named([one("slow", 9, words=2.0), one("quick", 4, words=6.0)]) == "quick"
    assert named([one("slow", 9, words=2.0), one("slower", 12, words=1.0)]) == "slower"


def test_a_free_licence_goes_before_a_bound_one() -> None:
    assert named([one("bound", 9, licence="Gemma"), one("free", 4)]) == "free"
    assert named([one("bound", 9, licence="Gemma")]) == "bound"


def test_of_a_mixture_its_used_part_counts_too() -> None:
    assert named([one("moe", 11.5, active=1.8), one("dense", 9.7)]) == "dense"
    names = [c.entry.id for c in ordered([one("moe", 11.5, active=1.8), one("a", 1), one("z", 9)])]
    assert names == ["a", "moe", "z"]


@pytest.mark.parametrize(
    ("gib", "expected"), [(2, "qwen3.5-0.8b"), (4, "qwen3.5-2b"), (8, "qwen3.5-4b"),
                          (16, "qwen3.5-9b"), (32, "gemma4-26b-a4b")]
)  # fmt: skip
def test_the_shipped_catalogue_by_class_of_pc(paths: Paths, gib: int, expected: str) -> None:
    found = recommend(paths, pc(gib, gib * 0.85), QUIET, "en", 4096)
    assert found.best is not None
    assert found.best.entry.id == expected
    # What is recommended satisfies its own check.
    assert found.best.verdict is not None
    assert found.room.now_bytes is not None
    assert found.best.verdict.needed_bytes <= found.room.now_bytes


def test_a_full_pc_is_told_what_to_close(paths: Paths) -> None:
    found = recommend(paths, pc(16, 0.3), QUIET, "en", 4096)
    assert found.best is None
    kinds = {c.entry.id: c.kind for c in found.candidates}
    assert set(kinds.values()) == {"fits-after-closing", "no"}
    assert kinds["qwen3.5-4b"] == "fits-after-closing"
    assert all(
        c.verdict.close_bytes for c in found.candidates
        if c.verdict and c.kind == "fits-after-closing"
    )  # fmt: skip


def test_quality_first_then_the_conversation_then_its_cache(paths: Paths) -> None:
    """With less and less memory the same model is kept: shorter, then coarser, then a smaller
    one. No step back to a better one on the way down."""
    seen: list[tuple[str, int, str]] = []
    for tenths in range(160, 15, -1):
        found = recommend(paths, pc(16, tenths / 10), QUIET, "en", 32_768)
        if found.best is not None:
            best = found.best
            step = (best.entry.id, best.context_tokens, best.cache_type)
            if not seen or seen[-1] != step:
                seen.append(step)
    models = list(dict.fromkeys(step[0] for step in seen))
    assert models[0] == "qwen3.5-9b"
    assert models.index("qwen3.5-4b") < models.index("qwen3.5-2b") < models.index("qwen3.5-0.8b")
    for model in models:
        ways = [(tokens, cache) for name, tokens, cache in seen if name == model]
        plain = [tokens for tokens, cache in ways if cache == "f16"]
        assert plain == sorted(plain, reverse=True), model
        coarse = [cache for _, cache in ways]
        assert coarse == sorted(coarse), f"{model}: f16 comes before q8_0"
    assert {("qwen3.5-9b", 16_384, "f16"), ("qwen3.5-9b", 4_096, "f16")} <= set(seen)
    assert any(cache == "q8_0" for _, _, cache in seen)
    # A talk of less than 4,096 tokens is no default as long as anything else fits.
    assert not any(tokens < 4_096 for _, tokens, _ in seen[:-6])


def test_headers_settle_what_sizes_leave_open(paths: Paths) -> None:
    """The estimate is cautious; the header of a hybrid says that it does fit."""
    asked: list[str] = []
    hybrid = models.qwen35()
    header = read_header(BytesSource(hybrid.header(), "h"))

    def look(entry: Entry) -> Header | None:
        asked.append(entry.id)
        return header

    by_size = recommend(paths, pc(16, 6.8), QUIET, "en", 8192)
    assert by_size.best is not None
    exact = recommend(paths, pc(16, 6.8), QUIET, "en", 8192, look)
    assert exact.best is not None
    rows = {c.entry.id: c for c in exact.candidates}
    assert "qwen3.5-9b" in asked
    assert len(asked) == len(set(asked)) <= 6
    assert not rows["qwen3.5-9b"].estimated
    assert not rows["qwen3.5-9b"].on_disk
    # A model whose file alone is larger than the room is not asked about.
    assert "qwen3.6-35b-a3b" not in asked


def test_a_source_that_is_away_is_asked_once(paths: Paths) -> None:
    asked: list[str] = []

    def look(entry: Entry) -> Header | None:
        asked.append(entry.id)
        return None

    found = recommend(paths, pc(16, 12), QUIET, "en", 8192, look)
    assert len(asked) == 1
    assert found.best is not None
    assert found.best.estimated


def test_a_file_that_is_gone_is_no_recommendation() -> None:
    here = one("here", 4)
    gone = one("gone", 9)
    gone = dataclasses.replace(gone, entry=dataclasses.replace(gone.entry, gone="404"))
    assert named([here, gone]) == "here"
    assert named([here, dataclasses.replace(gone, on_disk=True)]) == "gone"


def test_slow_memory_recommends_what_reads_less(paths: Paths) -> None:
    # Where memory is slow, a mixture that reads a part of itself beats a smaller dense one.
    for gib, speed, expected in (
        (16, 8 * GB, "gigachat3.1-10b-a1.8b"),
        (8, 5 * GB, "qwen3.5-0.8b"),
    ):
        found = recommend(paths, pc(gib, gib * 0.85), Bandwidth(speed, 4), "en", 4096)
        assert found.best is not None
        assert found.best.words is not None
        assert found.best.words.mid >= 4
        assert found.best.entry.id == expected


def test_a_file_that_is_here_is_judged_by_its_header(paths: Paths) -> None:
    folder = paths.presets
    folder.mkdir(parents=True)
    (folder / "models.toml").write_text(
        '[[model]]\nid = "mine"\nfile = "mine.gguf"\nsources = []\n'
        '[[model]]\nid = "torn"\nfile = "torn.gguf"\nsources = []\nsize_bytes = 1000000\n'
    )
    paths.models.mkdir(parents=True)
    models.llama().write(paths.models / "mine.gguf")
    (paths.models / "torn.gguf").write_bytes(b"GGUF")
    found = recommend(paths, pc(8), QUIET, "en", 4096)
    rows = {c.entry.id: c for c in found.candidates}
    assert (rows["mine"].estimated, rows["mine"].on_disk) == (False, True)
    assert (rows["torn"].estimated, rows["torn"].on_disk) == (True, False)


def test_no_size_no_verdict(paths: Paths) -> None:
    paths.presets.mkdir(parents=True)
    (paths.presets / "models.toml").write_text('[[model]]\nid = "x"\nfile = "x"\nsources = []\n')
    rows = {c.entry.id: c for c in recommend(paths, pc(8), QUIET, "en", 4096).candidates}
    assert rows["x"].verdict is None


def test_estimates_are_above_the_known_figures() -> None:
    # Calculated from headers in the research note: weights, cache at 8192, the rest.
    known = [(2_740_937_888, 4.7, 306), (2_100_000_000, 3.4, 832), (5_000_000_000, 8.2, 1152)]
    for size, billions, cache_mib in known:
        found = estimate(size, int(billions * GB), None, 8192)
        assert found is not None
        assert found.lasting_bytes > size + (cache_mib << 20) + (150 << 20)
    assert estimate(None, None, None, 4096) is None
    moe = estimate(6_000_000_000, 12 * GB, 2 * GB, 4096)
    assert moe is not None
    assert moe.token_bytes == GB


@pytest.mark.parametrize(
    ("machine", "state", "fix"),
    [
        (pc(8, total_bytes=4 * GIB), "enough", None),
        (pc(8, total_bytes=GIB), "small", "linux"),
        (pc(8, total_bytes=0), "none", "linux"),
        (pc(8, total_bytes=0, filesystem="btrfs"), "none", "btrfs"),
        (pc(8, total_bytes=4 * GIB, zram_bytes=4 * GIB), "only-zram", "linux"),
        (pc(8, total_bytes=6 * GIB, zram_bytes=4 * GIB), "enough", None),
        (pc(8, total_bytes=0, wsl=2), "none", "wsl"),
        (pc(8, total_bytes=0, container="docker"), "none", "container"),
        (pc(8, total_bytes=0, system="windows"), "none", "windows"),
        (pc(8, total_bytes=0, system="darwin"), "by-itself", None),
        (pc(8), "unknown", None),
    ],
)
def test_swap(machine: Machine, state: str, fix: str | None) -> None:
    advice = advise(machine)
    assert (advice.state, advice.fix) == (state, fix)


def test_swap_sizes_and_slow_disks() -> None:
    assert [advise(pc(gib)).wanted_gib for gib in (1, 4, 8, 16, 64)] == [1, 1, 2, 4, 4]
    assert advise(pc(8, disk="hdd")).slow_disk
    assert not advise(pc(8)).slow_disk
    # The disk the swap is on counts, not the one of the models.
    quick = pc(8, disk="hdd", total_bytes=4 * GIB)
    known = dataclasses.replace(quick.swap, disk_kind=Fact("ssd", "t"), filesystem=Fact("x", "t"))
    assert not advise(dataclasses.replace(quick, swap=known)).slow_disk
    grown = dataclasses.replace(
        quick.swap, total_bytes=Fact(0, "t"), grows=Fact(value=True, source="t")
    )
    assert advise(dataclasses.replace(quick, swap=grown)).state == "by-itself"


def test_a_path_that_is_a_folder_is_no_file(paths: Paths, tmp_path: Path) -> None:
    (paths.models / "Qwen3.5-2B-Q4_K_M.gguf").mkdir(parents=True)
    found = recommend(paths, pc(8), QUIET, "en", 4096)
    assert all(one.estimated for one in found.candidates)
