"""The forecast against what the engine itself says it allocated."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from galosh.engine.records import Engine
from galosh.fit import RunSettings, ghost, ghost_load, read_shape
from galosh.fit.enginelog import EngineMemory, read_context, read_weights
from galosh.fit.memory import cache_bytes, compute_bytes, repacked_bytes, state_bytes
from galosh.gguf import Header, check_file
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

pytestmark = pytest.mark.engine

PRINTED = 11_000  # the log prints MiB with two digits, for keys and for values
# Loads each model for real, makes a context for each setting, prints the engine's own log.
_MEASURE = """
import json, runpy, sys
ghost = runpy.run_path(sys.argv[1])
lib = ghost["import_low_level"]()
lib.llama_backend_init()
log = ghost["Log"](lib)
for path, settings in json.load(sys.stdin):
    log.sizes.clear()
    model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
    loaded, contexts = list(log.sizes), []
    for item in settings:
        log.sizes.clear()
        lib.llama_free(lib.llama_init_from_model(model, ghost["context_params"](lib, item)))
        contexts.append(list(log.sizes))
    lib.llama_model_free(model)
    system = lib.llama_print_system_info().decode()
    print(json.dumps([path, system, loaded, contexts]))
"""
GHOST_CHILD = Path(ghost.__file__).with_name("ghost_child.py")
SETTINGS = [
    RunSettings(context, batch, kind, flash, sequences=sequences, outputs=outputs)
    for context in (512, 4096, 16384)
    for batch, kind, flash, sequences, outputs in (
        (64, "f16", True, 1, 1),
        (512, "f16", True, 4, 8),
        (256, "q8_0", True, 2, 8),
        (256, "f16", False, 1, 1),
    )
]
SHAPES: dict[str, Model] = {
    "llama": models.llama(3, 512, 8, 2, 1408, 4000, 32768),
    "moe": models.llama(2, 512, 8, 2, 768, 4000, 32768, experts=8, used=2),
    "moe-narrow": models.llama(2, 2048, 32, 4, 768, 4000, 32768, experts=16, used=8),
    "gemma3": models.gemma3(7, 640, 4, 1, 256, 2048, 4000, 32768, 512),
    "gemma3-odd": models.gemma3(7, 512, 4, 1, 256, 1536, 4000, 32768, 512),
    "mamba": models.mamba(3, 512, 1024, 16, 4, 32, 4000, 32768),
    "lfm2": models.lfm2((0, 0, 4, 0, 4), 512, 8, 1024, 3, 4000, 32768),
    "qwen35": models.qwen35(8, 512, 4, 2, 128, 1024, 64, 8, 4, 4, 4000, 32768),
    "qwen35-even": models.qwen35(4, 1024, 8, 2, 256, 3584, 128, 16, 16, 4, 4000, 32768),
    "deepseek2": models.deepseek2(3, 512, 8, 256, 256, 64, 128, 128, 1024, 4, 2, 256, 4000, 32768),
}  # fmt: skip
# The same tensors under names of their own.
SHAPES |= {
    name: models.renamed(SHAPES["llama"], name)
    for name in ("qwen2", "smollm3", "mistral3", "minicpm", "internlm2")
}
SHAPES |= {
    "qwen3": models.qwen3(models.llama(3, 512, 8, 2, 1408, 4000, 32768)),
    "qwen3moe": models.qwen3(SHAPES["moe-narrow"]),
}
# How far from the engine's own figure the formula may be.
UNDER, OVER = -0.02, 0.05
ODD = {"gemma3-odd": 0.10}  # proportions that leave the engine's allocator a hole


def ask(
    engine: Engine, paths: list[Path], settings: list[RunSettings]
) -> list[tuple[Path, str, list[str], list[EngineMemory]]]:
    """What real loads say: (file, instruction sets, model's lines, contexts)."""
    items = [
        {**vars(one), "step_tokens": one.step_tokens, "output_rows": one.output_rows}
        for one in settings
    ]
    done = subprocess.run(
        [str(engine.python), "-I", "-c", _MEASURE, str(GHOST_CHILD)],
        input=json.dumps([[str(path), items] for path in paths]),
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    found = []
    for line in done.stdout.splitlines():
        path, system, loaded, contexts = json.loads(line)
        memories = [memory for lines in contexts if (memory := read_context(lines))]
        assert len(memories) == len(settings)
        found.append((Path(path), system, loaded, memories))
    return found


def check_one(
    header: Header, chosen: RunSettings, real: EngineMemory, limit: float
) -> float | None:
    """Compare one context; gives the error of the compute buffer, None where it is a guess."""
    shape = read_shape(header)
    caches = 2 if shape.has_window else 1
    assert cache_bytes(shape, chosen) == pytest.approx(real.cache_bytes, abs=PRINTED * caches)
    assert state_bytes(shape, chosen) == pytest.approx(real.state_bytes, abs=PRINTED)
    rows = 4 * shape.output_rows * chosen.sequences
    assert rows == pytest.approx(real.output_bytes, abs=PRINTED)
    size, is_guess = compute_bytes(shape, chosen)
    error = size / real.compute_bytes - 1
    assert is_guess is (not chosen.flash_attention and not shape.is_plain)
    if is_guess:
        assert error >= 0, f"{chosen}: a guess must not be under: {error:.1%}"
        return None
    assert UNDER <= error <= limit, f"{chosen}: off by {error:+.1%}"
    return error


def test_forecast_is_the_engines_own(
    real_engine: Engine, starter_model: Path, tmp_path: Path
) -> None:
    paths = [model.write(tmp_path / f"{name}.gguf") for name, model in SHAPES.items()]
    print()
    for path, _, _, memories in ask(real_engine, [*paths, starter_model], SETTINGS):
        header = check_file(path)
        limit = ODD.get(path.stem, OVER)
        found = [
            check_one(header, chosen, real, limit)
            for chosen, real in zip(SETTINGS, memories, strict=True)
        ]
        errors = [error for error in found if error is not None]
        print(
            f"fit {path.stem}: {len(found)} contexts, cache and state exact, compute buffer "
            f"{min(errors):+.1%} to {max(errors):+.1%}, {found.count(None)} guesses"
        )
        # And the load without weights says what the real one said, to the printed digit.
        answer = ghost_load(real_engine.python, path, SETTINGS)
        assert (answer.status, list(answer.contexts)) == ("ok", memories), path.name


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
    for path, system, loaded, _ in ask(real_engine, paths, []):
        if "AVX512 = 1" not in system:
            copied = read_weights(loaded).get("CPU_REPACK", 0)
            assert repacked_bytes(check_file(path), flags) == pytest.approx(copied, abs=PRINTED)
