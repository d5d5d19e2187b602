"""Takes the times of every answer into this PC's record, out of the way of whoever answers.

For the daemon: `record_run` returns at once and never raises; one thread of its own works
out what was expected and writes. More answers than it can take are dropped, not queued.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.fit import record
from galosh.fit.forecast import expected_seconds
from galosh.fit.learn import power_word
from galosh.fit.measured import Circumstances
from galosh.fit.memory import CACHE_TYPES
from galosh.fit.runs import Run
from galosh.fit.shape import read_shape
from galosh.fit.work import Work, read_work
from galosh.hardware.facts import PowerFacts

_LOG = logging.getLogger("galosh.fit")
_MOST_WAITING = 8
_POWER_SECONDS = 60.0  # the power source is asked for at most so often


class Recorder:
    """One for a daemon; `close` it at the end."""

    def __init__(self, paths: Paths, ask_power: Callable[[], PowerFacts] | None = None) -> None:
        self._paths = paths
        self._ask_power = ask_power or _system_power
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speed-record")
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._power: tuple[float, str] | None = None
        self._known: tuple[tuple[str, int], tuple[str, Work] | None] | None = None

    def record_run(
        self,
        model: Path,
        *,
        engine: str,
        threads: int,
        prompt_tokens: int,
        cached_tokens: int,
        prefill_seconds: float,
        completion_tokens: int,
        decode_seconds: float,
        batch_tokens: int = 256,
        cache_type: str = "f16",
        gpu_layers: int = 0,
        together: int = 1,
        drafted_tokens: int = 0,
        load: float | None = None,
    ) -> None:
        """Keep the times of one whole answer. Blocks nobody, raises nothing.

        model: its (first) file. engine: the build's id. together: answers at the same time.
        drafted_tokens: of the answer, those that drafts guessed right.
        """
        run = Run(
            "", Circumstances(engine_name(engine, gpu_layers), "", threads),
            prompt_tokens, cached_tokens, prefill_seconds, completion_tokens, decode_seconds,
            at=time.time(), load=load, together=together, drafted_tokens=drafted_tokens,
        )  # fmt: skip
        if not self._waiting.acquire(blocking=False):
            return
        try:
            self._thread.submit(self._keep, model, run, batch_tokens, cache_type)
        except RuntimeError:  # closed
            self._waiting.release()

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        self._thread.shutdown(wait=True)

    def _keep(self, model: Path, run: Run, batch_tokens: int, cache_type: str) -> None:
        try:
            known = self._model(model)
            if known is None:
                return
            identity, work = known
            facts = run.circumstances
            now = Circumstances(facts.engine, self._power_now(), facts.threads)
            run = Run(**{**vars(run), "identity": identity, "circumstances": now})
            measured = record.measured_for(self._paths, now)
            if measured is not None:
                cell_bytes = float(CACHE_TYPES.get(cache_type, 2))
                run = run.expecting(
                    *expected_seconds(run, work, measured, batch_tokens, cell_bytes)
                )
            record.keep_run(self._paths, run)
        except Exception:  # a record that is not kept must not cost the daemon its thread
            _LOG.exception("the times of an answer were not kept")
        finally:
            self._waiting.release()

    def _model(self, file: Path) -> tuple[str, Work] | None:
        """The identity and the work of the model whose first file this is; the last is kept."""
        from galosh import gguf

        try:
            key = (str(file), file.stat().st_mtime_ns)
            if self._known is None or self._known[0] != key:
                header = gguf.check_file(file)
                work = read_work(header, read_shape(header))
                self._known = (key, (record.identity_of(header), work))
        except (OSError, GaloshError):
            return None
        return self._known[1]

    def _power_now(self) -> str:
        now = time.monotonic()
        if self._power is None or now - self._power[0] > _POWER_SECONDS:
            self._power = (now, power_word(self._ask_power()))
        return self._power[1]


def engine_name(build_id: str, gpu_layers: int) -> str:
    """An engine with some layers on the graphics processor is another engine to the record."""
    return f"{build_id} gpu={gpu_layers}" if gpu_layers else build_id


def _system_power() -> PowerFacts:
    from galosh.hardware.probe import system_prober

    return system_prober().power()
