"""Run by an engine's own interpreter: rows of a batch against rows alone, byte for byte.

argv: model, cache type, bases (tokens held before, with commas). One line of JSON: what the
worker says it may have, before and after its own trial, and for each base, number of threads
and size how many rows were the same; and whether a row depends on the number of threads.
"""

from __future__ import annotations

import json
import random
import sys

from galosh.worker.batch import Piece
from galosh.worker.context import AbortFlag, Context
from galosh.worker.host import find_host
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import read_load


def main() -> None:
    path, cache_type, bases = sys.argv[1:]
    native, host = Native(), find_host()
    request: dict[str, object] = {
        "type": "load", "id": 1, "path": path, "threads": 2, "context_tokens": 4096,
        "batch_tokens": 256, "flash_attention": True, "cache_type": cache_type,
        "outputs": 16, "adaptive_threads": False,
    }  # fmt: skip
    options = read_load(request)
    model = Model(native, host, options, lambda _: None, lambda: False)
    context = Context(native, model, options, AbortFlag(host))
    choose = random.Random(3)
    tokens = [choose.randrange(300, min(model.vocabulary.size, 40000)) for _ in range(4096)]
    found = {}
    rows = {}
    for base in map(int, bases.split(",")):
        context.reset(0)
        context.threads.set(2, 2)
        for at in range(0, base, 256):
            context.decode([Piece(0, tokens[at : min(at + 256, base)], 0)])
        if not context.rows_tried:
            context.try_rows(0, tokens)
        rows[base] = context.most_rows()
        alone = {}
        for threads in (1, 2):
            context.threads.set(threads, threads)
            alone[threads] = [_rows(context, tokens, base + at, 1)[0] for at in range(8)]
            context.cut(0, base)
        found[f"{base} threads"] = sum(map(bytes.__eq__, alone[1], alone[2])) / 8
        for threads in (1, 2):
            context.threads.set(threads, threads)
            for size in range(2, rows[base] + 1):
                together = _rows(context, tokens, base, size)
                context.cut(0, base)
                same = sum(map(bytes.__eq__, together, alone[threads]))
                found[f"{base} {threads} {size}"] = same / size
    print(json.dumps({"rows": rows, "same": found}))


def _rows(context: Context, tokens: list[int], base: int, count: int) -> list[bytes]:
    context.decode([Piece(0, tokens[base : base + count], count)])
    return [context.row(number) for number in range(count)]


main()
