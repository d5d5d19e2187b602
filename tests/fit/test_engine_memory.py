"""The forecast against what the engine itself says it allocated."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from galosh.engine.records import Engine
from galosh.fit import RunSettings, read_shape
from galosh.fit.memory import cache_bytes, compute_bytes, repacked_bytes
from galosh.gguf import Header, check_file
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

pytestmark = pytest.mark.engine

MIB = 1 << 20
# Loads each model once, makes a context for each setting, and prints the engine's own log.
_MEASURE = """
import ctypes, json, os, sys, tempfile
import llama_cpp as lib

def logged(work):
    with tempfile.TemporaryFile() as log:
        old = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            result = work()
        finally:
            os.dup2(old, 2)
            os.close(old)
        log.seek(0)
        return result, log.read().decode("utf-8", "replace")

def measure(model, context, batch, kind, flash):
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_outputs_max = context, batch, batch, 1
    params.swa_full, params.n_threads = False, 1
    params.flash_attn_type = int(flash)
    params.type_k = params.type_v = {"f16": 1, "q8_0": 8}[kind]
    def make():
        made = lib.llama_init_from_model(model, params)
        lib.llama_free(made)
    return logged(make)[1]

for path, settings in json.load(sys.stdin):
    load = lambda: lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
    model, log = logged(load)
    print(json.dumps([path, log, [measure(model, *item) for item in settings]]))
"""
SETTINGS = [
    (context, batch, kind, flash)
    for context in (512, 4096, 16384)
    for batch, kind, flash in ((64, "f16", 1), (512, "f16", 1), (256, "q8_0", 1), (256, "f16", 0))
]
SHAPES: dict[str, Model] = {
    "llama": models.llama(3, 512, 8, 2, 1408, 4000, 32768),
    "moe": models.llama(2, 512, 8, 2, 768, 4000, 32768, experts=8, used=2),
    "gemma3": models.gemma3(7, 640, 4, 1, 256, 2048, 4000, 32768, 512),
    "gemma3-odd": models.gemma3(7, 512, 4, 1, 256, 1536, 4000, 32768, 512),
    "mamba": models.mamba(3, 512, 1024, 16, 4, 32, 4000, 32768),
    "lfm2": models.lfm2((0, 0, 4, 0, 4), 512, 8, 1024, 3, 4000, 32768),
    "qwen35": models.qwen35(8, 512, 4, 2, 128, 1024, 64, 8, 4, 4, 4000, 32768),
    "deepseek2": models.deepseek2(3, 512, 8, 256, 256, 64, 128, 128, 1024, 4, 2, 256, 4000, 32768),
}  # fmt: skip
# Shapes with a fitted formula, and how far over the engine's own figure it may be.
PLAIN = {"llama": 0.05, "moe": 0.05, "gemma3": 0.05, "gemma3-odd": 0.10,
         "SmolLM2-135M-Instruct.Q4_1": 0.05}  # fmt: skip


def ask(engine: Engine, paths: list[Path]) -> list[tuple[Path, str, list[str]]]:
    job = json.dumps([[str(path), SETTINGS] for path in paths])
    done = subprocess.run(
        [str(engine.python), "-I", "-c", _MEASURE],
        input=job, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [(Path(path), log, logs) for path, log, logs in lines]


def total_mib(pattern: str, log: str) -> float:
    return sum(float(size) for match in re.findall(pattern, log) for size in match if size.strip())


def check_one(
    header: Header, item: tuple[int, int, str, int], log: str, limit: float | None
) -> float:
    """Compare one context; gives the error of the compute buffer."""
    context, batch, kind, flash = item
    chosen = RunSettings(context, batch, kind, bool(flash))
    shape = read_shape(header)
    caches = log.count("llama_kv_cache: size")
    cache = total_mib(r"K \(\S+\):\s+([\d.]+) MiB, V \(\S+\):\s+([\d.]+)", log)
    assert cache_bytes(shape, chosen) / MIB == pytest.approx(cache, abs=0.0101 * max(1, caches))
    state = total_mib(r"R \(f32\):\s+([\d.]+) MiB, S \(f32\):\s+([\d.]+)", log)
    ours = sum(layer.state_bytes for layer in shape.layers) / MIB
    assert ours == pytest.approx(state, abs=0.0101)
    [real] = re.findall(r"compute buffer size is\s+([\d.]+) MiB", log)
    size, is_guess = compute_bytes(shape, chosen)
    error = size / MIB / float(real) - 1
    assert is_guess is (limit is None)
    assert error >= -0.01, f"{item}: under by {error:.1%}"
    if limit is not None:
        assert error <= limit, f"{item}: over by {error:.1%}"
    return error


def test_forecast_is_the_engines_own(
    real_engine: Engine, starter_model: Path, tmp_path: Path
) -> None:
    paths = [model.write(tmp_path / f"{name}.gguf") for name, model in SHAPES.items()]
    print()
    for path, _, logs in ask(real_engine, [*paths, starter_model]):
        header = check_file(path)
        limit = PLAIN.get(path.stem)
        errors = [
            check_one(header, item, log, limit) for item, log in zip(SETTINGS, logs, strict=True)
        ]
        print(
            f"fit {path.stem}: {len(errors)} contexts, cache and state exact, compute buffer "
            f"{min(errors):+.1%} to {max(errors):+.1%}{' (guess)' if limit is None else ''}"
        )


@pytest.mark.parametrize("kind", ["Q4_K", "Q4_0", "Q6_K"])
def test_second_copy_is_the_engines_own(real_engine: Engine, tmp_path: Path, kind: str) -> None:
    paths = [
        models.llama(2, 512, 8, 2, 1024, 4004, kind=kind).write(tmp_path / "untied.gguf"),
        models.gemma3(2, 512, 4, 1, 128, 1024, 4000, kind=kind).write(tmp_path / "tied.gguf"),
        models.llama(2, 512, 8, 2, 1024, 4000, kind=kind, experts=4, used=2).write(
            tmp_path / "moe.gguf"
        ),
    ]
    flags = frozenset({"avx2"})  # what the test engine is built for at least
    for path, log, _ in ask(real_engine, paths):
        if "AVX512 = 1" not in log:
            copied = total_mib(r"CPU_REPACK model buffer size =(\s+)([\d.]+)", f"{log}")
            ours = repacked_bytes(check_file(path), flags) / MIB
            assert ours == pytest.approx(copied, abs=0.0101), path.name
