"""The prompt template of a model: in words, and the user's choice of one."""

from __future__ import annotations

from collections.abc import Mapping

from galosh.api import Client
from galosh.base.errors import GaloshError
from galosh.base.texts import say

SETTING, AUTO = "model.templates", "auto"


def in_words(template: object) -> str | None:
    """Which it is and what told it; None where it is the model's own."""
    if not isinstance(template, Mapping) or template.get("because") in (None, "model"):
        return None
    because, name, word = (template.get(key) for key in ("because", "name", "word"))
    if name is None:
        return say("cli.template-nothing")
    return say(f"cli.template-{because}", template=name, word=word)


def choose(client: Client, model_id: str, name: str) -> None:
    """Have this model use the template of this name; `auto` takes an earlier choice back.

    Raises GaloshError `presets-unknown` or the daemon's own.
    """
    templates = [str(one.get("name")) for one in client.presets().get("templates", [])]
    if name != AUTO:
        wanted = next((one for one in templates if one.lower() == name.lower()), None)
        if wanted is None:
            known = ", ".join([AUTO, *sorted(templates)])
            raise GaloshError("presets-unknown", kind="template", name=name[:60], known=known)
        name = wanted
    listed = client.settings().get(SETTING)
    kept = [str(pair) for pair in listed] if isinstance(listed, list) else []
    kept = [pair for pair in kept if pair.split("=", 1)[0] != model_id]
    client.change_setting(SETTING, kept if name == AUTO else [*kept, f"{model_id}={name}"])
