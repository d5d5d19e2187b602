"""Reads what admission decides from: the model's header, the memory that is free now.

Owns the probes and their cost (a header and two small files; the processor is asked once, the
header of the last model kept).
Blocking; called in a thread before every load.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.fit.budget import Room, judge, room_of
from galosh.fit.ladder import Rung, rungs, settings_for
from galosh.fit.memory import PROCESS_BYTES, RunSettings, forecast_memory
from galosh.gguf import Header, check_file
from galosh.store import ModelStore, StoredModel
from galosh.store.scan import stamp
from galosh.supervisor import drafts
from galosh.supervisor.admission import (
    BESIDE,
    RefusalError,
    choose,
    notice,
    refusal,
    smaller,
)
from galosh.supervisor.largest import largest_programs
from galosh.supervisor.load_plan import Admitted, LoadPlan, LoadWish
from galosh.supervisor.prefixes import prefixes_for

_LOG = logging.getLogger("galosh.supervisor")


class Admit:
    """See `admission.Admission`. room: replaces the live memory in tests."""

    def __init__(
        self,
        paths: Paths,
        settings: Callable[[], Settings],
        store: ModelStore,
        room: Callable[[], Room] | None = None,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._store = store
        self._room = room or live_room
        self._checked: tuple[Path, tuple[int, int] | None, Header] | None = None
        self._flags: frozenset[str] | None = None
        self._asked_flags = False

    def admit(self, wish: LoadWish, build_id: str | None) -> Admitted:
        """See Admission."""
        room = self._room()
        settings = self._settings()
        budget = settings.number("prefix.memory_bytes") if settings.flag("prefix.keep") else 0
        header = self._header(wish.model.path)
        try:
            ladder = self._ladder(header, wish, room, budget)
            if budget and choose(ladder[:1], wish) is None:
                # Kept beginnings are a comfort: the first thing to give up.
                budget, ladder = 0, self._ladder(header, wish, room, 0)
        except GaloshError as error:
            if error.code != "fit-no-forecast":
                raise
            _LOG.warning("no forecast for %s: loaded without", wish.model.id)
            run = RunSettings(wish.context_tokens)
            return Admitted(self._plan(wish, run, None, build_id, budget))
        rung = choose(ladder, wish)
        if rung is None:
            raise self._refuse(header, ladder, wish, room)
        told = notice(ladder[0], rung, wish, room)
        plan = self._plan(wish, rung.settings, rung, build_id, budget)
        # What died of want of memory, or had to be made smaller, gets nothing beside it.
        if rung is ladder[0] and wish.below_bytes is None:
            plan = self._with_draft(plan, header, wish, rung, room)
        return Admitted(plan, told)

    def _header(self, path: Path) -> Header:
        """The header, checked; of the last model not again while its files are the same: a
        large vocabulary takes 130 ms, at every waking."""
        now = stamp(path)
        if self._checked is None or self._checked[:2] != (path, now):
            self._checked = None
            self._checked = (path, now, check_file(path))
        return self._checked[2]

    def _with_draft(
        self, plan: LoadPlan, header: Header, wish: LoadWish, rung: Rung, room: Room
    ) -> LoadPlan:
        """The plan with a small model that guesses, where one is on disk and both fit."""
        run = dataclasses.replace(
            rung.settings, sequences=1, outputs=1, cache_type="f16", full_window_cache=True
        )
        try:
            setting = self._settings().text("engine.draft_model")
            for draft in drafts.find(self._store, wish.model, header, setting):
                memory = forecast_memory(draft.header, run, self._processor())
                # One process for both.
                lasting = rung.memory.lasting_bytes + memory.lasting_bytes - PROCESS_BYTES
                anonymous = rung.memory.anonymous_bytes + memory.anonymous_bytes - PROCESS_BYTES
                if judge(lasting, anonymous, room).kind == "fits":
                    small = draft.model
                    return dataclasses.replace(
                        plan, draft_path=small.path, draft_id=small.id, lasting_bytes=lasting
                    )
        except GaloshError as error:
            _LOG.warning("no draft model for %s: %s", wish.model.id, error.code)
            return dataclasses.replace(plan, draft_error=error)
        return plan

    def _plan(
        self,
        wish: LoadWish,
        run: RunSettings,
        rung: Rung | None,
        build_id: str | None,
        budget: int,
    ) -> LoadPlan:
        run = dataclasses.replace(run, gpu_layers=self._gpu_layers(wish, build_id))
        kept = prefixes_for(self._paths, self._settings(), wish.model.path, build_id, run)
        return LoadPlan(
            run,
            wish.threads,
            dataclasses.replace(kept, memory_bytes=budget),
            lasting_bytes=None if rung is None else rung.memory.lasting_bytes,
            template=wish.model.template.template,
        )

    def _gpu_layers(self, wish: LoadWish, build_id: str | None) -> int:
        """Layers for the graphics processor: none unless a trial has shown that it pays."""
        from galosh.engine.offload_trial import kept_layers

        setting = self._settings().text("engine.gpu")
        return kept_layers(self._paths, build_id or "", wish.model.path, setting)

    def _ladder(self, header: Header, wish: LoadWish, room: Room, budget: int) -> tuple[Rung, ...]:
        flags = self._processor()
        usual = settings_for(header, wish.context_tokens, room=room, flags=flags)
        return rungs(header, usual, room, flags, prefix_bytes=budget)

    def _refuse(
        self, header: Header, ladder: tuple[Rung, ...], wish: LoadWish, room: Room
    ) -> RefusalError:
        if wish.beside_bytes is not None:
            available = (room.available_bytes or 0) + wish.beside_bytes
            room = dataclasses.replace(room, available_bytes=available)
            wish = dataclasses.replace(wish, beside_bytes=None)
            ladder = self._ladder(header, wish, room, 0)
            if choose(ladder, wish) is not None:
                return RefusalError(BESIDE, model_id=wish.model.id)
        error = refusal(ladder, wish, room, largest_programs())
        error.instead = next(
            (
                model
                for model in smaller(self._store.list(), wish.model)
                if self._fits(model, wish, room)
            ),
            None,
        )
        return error

    def _fits(self, model: StoredModel, wish: LoadWish, room: Room) -> bool:
        context = min(wish.context_tokens, model.context_length or wish.context_tokens)
        other = LoadWish(model, context, wish.threads)
        try:
            header = check_file(model.path)
            return choose(self._ladder(header, other, room, 0), other) is not None
        except GaloshError:
            return False  # a model that cannot be forecast is no way out of a shortage

    def _processor(self) -> frozenset[str] | None:
        if not self._asked_flags:
            from galosh.hardware.probe import system_prober

            self._asked_flags = True
            try:
                self._flags = system_prober().cpu().flags.value
            except Exception as error:  # an odd system: a second copy of weights is assumed
                _LOG.warning("the processor was not asked: %s", type(error).__name__)
        return self._flags


def live_room() -> Room:
    """This PC's memory as it is now; unknown where it cannot be told."""
    from galosh.hardware.probe import blank_machine, system_prober

    machine = blank_machine("not asked")
    try:
        prober = system_prober()
        machine = dataclasses.replace(machine, memory=prober.memory(), swap=prober.swap())
    except Exception as error:
        _LOG.warning("the memory was not asked: %s", type(error).__name__)
    return room_of(machine)
