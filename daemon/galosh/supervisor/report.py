"""What the supervisor tells about itself. Reads the owner's fields; changes nothing."""

from __future__ import annotations

from galosh.supervisor.memory import worker_bytes
from galosh.supervisor.owner import Owner
from galosh.supervisor.pressure import Level
from galosh.supervisor.request import LoadedModel
from galosh.supervisor.wanted import Wanted


def report(owner: Owner, wanted: Wanted, level: Level) -> dict[str, object]:
    """JSON-able facts about the slot, the line and the last answer. Unknown is None."""
    slot, tally = owner.slot, owner.tools.tally
    worker, loaded, last, plan = slot.worker, slot.loaded, tally.last, slot.plan
    launch = None if worker is None else worker.launch
    pid = None if worker is None else worker.pid
    return {
        "state": slot.state.value,
        "model": slot.model_id,
        "title": None if slot.model is None else slot.model.title,
        "wanted": wanted.model_id,
        "progress": slot.progress,
        "context_tokens": None if loaded is None else loaded.context_tokens,
        "context_train": None if loaded is None else loaded.context_train,
        "load_seconds": None if loaded is None else loaded.load_seconds,
        "failure": None if slot.failure is None else slot.failure.to_json(),
        "bad_models": list(owner.deaths.bad_models),
        "queue_length": owner.line.questions,
        "answering": len(slot.running) > 0,
        "answers_now": len(slot.running),
        "answers_at_a_time": None if loaded is None else loaded.sequences,
        **_draft(loaded),
        "template": None if slot.model is None else slot.model.template.to_json(),
        "stage": None if loaded is None else slot.stage.name.lower(),
        "paused": owner.paused,
        "memory_pressure": level.name.lower(),
        "coming": owner.hand_over.coming_id,
        "settings": None if plan is None else dict(vars(plan.settings)),
        "forecast_bytes": None if plan is None else plan.lasting_bytes,
        "notice": None if owner.notice is None else owner.notice.to_json(),
        "worker_pid": pid,
        "worker_memory_bytes": None if pid is None else worker_bytes(pid),
        "engine_build_id": None if launch is None else launch.build_id,
        "engine_system": slot.engine_system,
        "answers": tally.answers,
        "tokens_per_second": None if last is None else last.tokens_per_second,
        "prompt_tokens_per_second": None if last is None else last.prompt_tokens_per_second,
    }


def _draft(loaded: LoadedModel | None) -> dict[str, object]:
    """The small model that guesses for the loaded one, or why the one meant for it does not."""
    error = None if loaded is None else loaded.draft_error
    return {
        "draft_model": None if loaded is None else loaded.draft_id,
        "draft_refused": None if error is None else error.to_json(),
    }
