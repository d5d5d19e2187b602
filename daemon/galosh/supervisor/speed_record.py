"""Hands the times of every whole answer to this PC's record of speeds.

Loads the recorder with the first answer, so that an idle daemon does not pay for it. Never
blocks and never raises: see `galosh.fit.recorder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.paths import Paths
from galosh.supervisor.load_plan import LoadPlan
from galosh.supervisor.request import Done

if TYPE_CHECKING:
    from galosh.fit.recorder import Recorder


class SpeedRecord:
    """See the module."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._recorder: Recorder | None = None

    def tell(
        self, model: Path, build_id: str | None, plan: LoadPlan, done: Done, together: int
    ) -> None:
        """An answer is whole. together: answers that were being written, this one included."""
        if build_id is None:
            return  # not an engine of ours: nothing can be compared with it
        if self._recorder is None:
            from galosh.fit.recorder import Recorder

            self._recorder = Recorder(self._paths)
        settings = plan.settings
        self._recorder.record_run(
            model,
            engine=build_id,
            threads=plan.threads,
            prompt_tokens=done.prompt_tokens,
            cached_tokens=done.cached_tokens,
            prefill_seconds=done.prefill_seconds,
            completion_tokens=done.completion_tokens,
            decode_seconds=done.decode_seconds,
            batch_tokens=settings.batch_tokens,
            cache_type=settings.cache_type,
            gpu_layers=settings.gpu_layers,
            together=together,
            drafted_tokens=done.draft_accepted,
        )

    def close(self) -> None:
        """Write what is waiting. Blocks for a moment."""
        if self._recorder is not None:
            self._recorder.close()
