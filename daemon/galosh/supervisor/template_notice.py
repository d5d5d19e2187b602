"""What the asker is told of the prompt template, where it may be the wrong one. Pure."""

from __future__ import annotations

from galosh.store import StoredModel
from galosh.supervisor.request import Notice


def template_notice(model: StoredModel | None) -> Notice | None:
    """The notice for a conversation with this model; None where nothing was guessed."""
    if model is None or not model.template.guessed:
        return None
    choice = model.template
    facts: dict[str, object] = {"model": model.title, "model_id": model.id}
    if choice.template is not None:
        facts |= {"template": choice.template.name, "word": choice.word}
    return Notice(f"supervisor.notice-template-{choice.because}", facts)
