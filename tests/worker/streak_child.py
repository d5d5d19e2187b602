"""Run by an engine's own interpreter: how many tokens are chosen in a row, as one line of JSON.

argv: model. With nobody asking, and with somebody who asked (`news`).
"""

from __future__ import annotations

import ctypes
import json
import sys

from galosh.worker.batch import Piece
from galosh.worker.context import AbortFlag, Context
from galosh.worker.host import find_host
from galosh.worker.model import Model
from galosh.worker.native import Native
from galosh.worker.options import Sampling, read_load
from galosh.worker.sample import Sampler
from galosh.worker.streak import MOST_STEPS

TOKENS = [504, 3575, 282, 4649, 314]


def main() -> None:
    native, host = Native(), find_host()
    request: dict[str, object] = {
        "type": "load", "id": 1, "path": sys.argv[1], "threads": 1, "context_tokens": 512,
    }  # fmt: skip
    options = read_load(request)
    model = Model(native, host, options, lambda _: None, lambda: False)
    context = Context(native, model, options, AbortFlag(host))
    sampler = Sampler(native.lib, model.vocabulary, Sampling(temperature=0), ())
    chooser = sampler.chooser()
    assert chooser is not None
    found = {}
    for name, news in (("nobody", 0), ("somebody", 1)):
        context.reset(0)
        context.decode([Piece(0, TOKENS[:-1], 0)])
        last = [Piece(0, TOKENS[-1:], 1)]
        # A minute: the loop is not to end for want of time on a busy machine.
        chosen = context.write(last, [chooser], MOST_STEPS, 60.0, ctypes.c_int32(news))
        found[name] = [len(chosen), len(context.held[0]) - len(TOKENS)]
    print(json.dumps(found))


main()
