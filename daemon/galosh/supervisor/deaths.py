"""The record of worker deaths per model, and of models that are not tried again. Pure."""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.supervisor.restart import Death, RestartRules, Verdict, judge, recent


class Deaths:
    """See the module; times are seconds of the monotonic clock."""

    def __init__(self, rules: RestartRules) -> None:
        self._rules = rules
        self._deaths: dict[str, tuple[Death, ...]] = {}
        self._bad: dict[str, GaloshError] = {}

    def record(self, model_id: str, death: Death) -> Verdict:
        """One more death of this model's worker; what follows from it."""
        earlier = self._deaths.get(model_id, ())
        deaths = (*recent(earlier, death.at_seconds, self._rules), death)
        self._deaths[model_id] = deaths
        return judge(deaths, death.at_seconds, self._rules)

    def count(self, model_id: str) -> int:
        """Deaths on record."""
        return len(self._deaths.get(model_id, ()))

    def has_loaded(self, model_id: str) -> None:
        """It can be loaded after all: deaths while loading no longer count."""
        kept = self._deaths.get(model_id, ())
        self._deaths[model_id] = tuple(death for death in kept if not death.loading)

    def forgive(self, model_id: str) -> None:
        """It has answered, or the user asks for it by name: a clean slate."""
        self._deaths.pop(model_id, None)
        self._bad.pop(model_id, None)

    def mark_bad(self, model_id: str, reason: GaloshError) -> None:
        """Refuse this model with `reason` until it is forgiven."""
        self._bad[model_id] = reason

    def bad(self, model_id: str) -> GaloshError | None:
        """Why this model is refused; None when it is not."""
        return self._bad.get(model_id)

    @property
    def bad_models(self) -> tuple[str, ...]:
        """Every model that is refused."""
        return tuple(self._bad)
