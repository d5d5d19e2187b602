"""`galosh autostart status / on / off`: whether the icon starts at login, as the system has it."""

from __future__ import annotations

import argparse

from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output
from galosh.setup.autostart import login_of


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Do it. Raises GaloshError setup-autostart-…, base-…."""
    login = login_of(Paths.find())
    if arguments.action == "on":
        login.switch_on()
    elif arguments.action == "off":
        login.switch_off()
    state = login.status()
    key = "on" if state.enabled else "by-system" if state.by_system else "off"
    output.result(state.to_json(), say(f"cli.autostart-is-{key}", place=state.place))
    return 0
