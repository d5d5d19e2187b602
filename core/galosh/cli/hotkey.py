"""`galosh hotkey show / set / test / bind / unbind`: the key that opens the quick prompt.

The agent holds the key; what it was really granted comes from the daemon, which the agent tells.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

from galosh.api import Client, is_running
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.base.texts import say
from galosh.cli.output import Output, render_error
from galosh.setup.ask_hotkey import ask_hotkey

SETTING = "hotkey.trigger"
_NONE = ("none", "off", "")
_GRANT_SECONDS = 3.0
_LOOK_SECONDS = 0.05


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one action; status 1 when the hotkey does not work. Raises GaloshError hotkey-…."""
    return _ACTIONS[arguments.action](arguments, Paths.find(), output)


def granted_state(paths: Paths) -> Mapping[str, object] | None:
    """The agent's HotkeyState as JSON; None when no agent runs."""
    if is_running(paths) is None:
        return None
    desktop = Client(paths).status().get("desktop")
    state = desktop.get("hotkey") if isinstance(desktop, Mapping) else None
    return state if isinstance(state, Mapping) else None


def _show(_arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    trigger = Settings.load(paths.settings_file).text(SETTING)
    return _tell(output, trigger, granted_state(paths))


def _set(arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    wanted = str(arguments.trigger).strip()
    trigger = "" if wanted.lower() in _NONE else str(ask_hotkey("check", wanted)["trigger"])
    if is_running(paths) is None:
        Settings.load(paths.settings_file).change(SETTING, trigger)
        return _tell(output, trigger, None)
    Client(paths).change_setting(SETTING, trigger)
    state = granted_state(paths)
    end = time.monotonic() + _GRANT_SECONDS
    # The agent hears of the change by the daemon's events, and tells what it was granted.
    while state is not None and state.get("wanted") != trigger and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        state = granted_state(paths)
    return _tell(output, trigger, state)


def _test(_arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    trigger = Settings.load(paths.settings_file).text(SETTING)
    if not trigger:
        return _tell(output, trigger, None)
    state = granted_state(paths)
    proof = ask_hotkey("prove", trigger)
    document = {"trigger": trigger, "agent": state, "proof": proof}
    text, fine = _proof_text(trigger, proof)
    tried = proof.get("state")
    if state is not None and state.get("granted") is None:
        text, fine = f"{text}\n{_problem(state)}", False
    elif state is None and isinstance(tried, Mapping) and tried.get("problem"):
        text, fine = f"{text}\n{_problem(tried)}", False
    elif state is None:
        text = f"{text}\n{say('cli.hotkey-no-agent', trigger=trigger)}"
    else:
        text = f"{_granted(state)}\n{text}"
    output.result(document, text)
    return 0 if fine else 1


def _proof_text(trigger: str, proof: Mapping[str, object]) -> tuple[str, bool]:
    """What the proof showed, and whether that is good."""
    if proof.get("pressed") is None:
        return say("cli.hotkey-untested", trigger=trigger), True
    if not proof.get("fired"):
        return say("cli.hotkey-deaf", pressed=proof.get("pressed")), False
    seconds = proof.get("seconds")
    milliseconds = f"{1000 * seconds:.1f}" if isinstance(seconds, float) else None
    pressed = proof.get("pressed")
    return say("cli.hotkey-tested", pressed=pressed, milliseconds=milliseconds), True


def _bind(_arguments: argparse.Namespace, paths: Paths, output: Output) -> int:
    trigger = Settings.load(paths.settings_file).text(SETTING)
    output.result(dict(ask_hotkey("bind", trigger)), say("cli.hotkey-bound"))
    if trigger and is_running(paths) is not None:
        Client(paths).change_setting(SETTING, trigger)  # the agent looks again
    return 0


def _unbind(_arguments: argparse.Namespace, _paths: Paths, output: Output) -> int:
    output.result(dict(ask_hotkey("unbind")), say("cli.hotkey-unbound"))
    return 0


def _tell(output: Output, trigger: str, state: Mapping[str, object] | None) -> int:
    granted = None if state is None else state.get("granted")
    if not trigger:
        text = say("cli.hotkey-none")
    elif state is None:
        text = say("cli.hotkey-no-agent", trigger=trigger)
    elif granted is None:
        text = _problem(state)
    else:
        text = _granted(state)
    output.result({"trigger": trigger, "agent": state}, text)
    return 0 if not trigger or granted is not None or state is None else 1


def _granted(state: Mapping[str, object]) -> str:
    return say("cli.hotkey-granted", granted=state.get("granted"), way=state.get("way"))


def _problem(state: Mapping[str, object]) -> str:
    problem = state.get("problem")
    if not isinstance(problem, Mapping):
        return render_error(GaloshError("hotkey-not-granted", trigger=state.get("wanted")))
    return render_error(GaloshError.from_json(problem))


_ACTIONS: dict[str, Callable[[argparse.Namespace, Paths, Output], int]] = {
    "show": _show,
    "set": _set,
    "test": _test,
    "bind": _bind,
    "unbind": _unbind,
}
