"""The engine itself agrees: its tensor sizes are ours, and what we accept it survives."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.engine.records import Engine
from galosh.gguf import check_file
from galosh.gguf.quant import TENSOR_TYPES
from tests.fakes import gguf_models as models

pytestmark = pytest.mark.engine

_SIZES = """
import ctypes, json, pathlib, llama_cpp
[path] = (pathlib.Path(llama_cpp.__file__).parent / "lib").glob("libggml-base.so")
lib = ctypes.CDLL(str(path))
lib.ggml_type_name.restype = ctypes.c_char_p
lib.ggml_type_size.restype = ctypes.c_size_t
lib.ggml_blck_size.restype = ctypes.c_int64
print(json.dumps({i: (lib.ggml_type_name(i).decode(), lib.ggml_type_size(i),
                      lib.ggml_blck_size(i)) for i in range(43)}))
"""
_LOAD = """
import sys, llama_cpp
for path in sys.argv[1:]:
    print("start", path, flush=True)
    try:
        model = llama_cpp.Llama(path, n_ctx=256, n_threads=1, verbose=False)
        model.create_completion("ab", max_tokens=2)
        print("ok", flush=True)
        model.close()
    except (ValueError, RuntimeError) as error:
        print("refused", flush=True)
"""
SHAPES = ("llama", "moe", "gemma3", "mamba", "lfm2", "qwen35", "deepseek2")


def run(engine: Engine, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(engine.python), "-I", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_block_sizes_are_the_engines(real_engine: Engine) -> None:
    sizes = json.loads(run(real_engine, _SIZES).stdout)
    theirs = {
        int(number): (name.upper(), size, block)
        for number, (name, size, block) in sizes.items()
        if size
    }
    ours = {number: (t.name.upper(), t.block_bytes, t.block_weights)
            for number, t in TENSOR_TYPES.items()}  # fmt: skip
    assert ours == theirs


def test_every_shape_loads_and_speaks(real_engine: Engine, tmp_path: Path) -> None:
    paths = [str(getattr(models, name)().write(tmp_path / f"{name}.gguf", 1)) for name in SHAPES]
    done = run(real_engine, _LOAD, *paths)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("ok\n") == len(SHAPES)


def test_what_we_accept_never_kills_the_engine(real_engine: Engine, tmp_path: Path) -> None:
    rng = random.Random(4)
    base = models.llama(layers=1, vocab=300)
    data = base.to_bytes(seed=1)
    end = len(base.header())
    accepted: list[str] = []
    for index in range(300):
        changed = bytearray(data)
        changed[rng.randrange(end)] ^= 1 << rng.randrange(8)
        path = tmp_path / f"{index}.gguf"
        path.write_bytes(changed)
        try:
            check_file(path)
        except GaloshError:
            path.unlink()
        else:
            accepted.append(str(path))
    done = run(real_engine, _LOAD, *accepted)
    assert done.returncode == 0, f"{done.stdout[-300:]} {done.stderr[-2000:]}"
    print(f"\ngguf against the engine: 300 changed files, {len(accepted)} accepted, 0 deaths")
