"""The doctor: looks at everything that has to be right and says what is not.

Looks only; changes nothing. A check that breaks is a finding itself, so that one broken
part never hides the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from galosh import hardware
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.setup import checks, checks_desktop
from galosh.setup.findings import describe
from galosh.setup.view import Finding


@dataclass(frozen=True)
class Diagnosis:
    """All findings; healthy when none of them is `fail`."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken."""
        return all(finding.verdict != "fail" for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "healthy": self.healthy,
            "checks": [finding.to_json() for finding in self.findings],
        }


def examine(paths: Paths) -> Diagnosis:
    """Run every check. Never raises."""
    machine = hardware.probe(paths)
    single: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("folders", lambda: checks.check_folders(paths)),
        ("settings", lambda: checks.check_settings(paths)),
        ("engine", lambda: checks.check_engine(paths)),
        ("engine-use", lambda: checks.check_engine_use(paths)),
        ("model", lambda: checks.check_model(paths)),
        ("daemon", lambda: checks.check_daemon(paths)),
        ("doors", lambda: checks.check_doors(paths)),
        ("command", lambda: checks.check_command(paths)),
        ("tray", lambda: checks_desktop.check_tray(paths, machine)),
        ("hotkey", lambda: checks_desktop.check_hotkey(paths, machine)),
        ("prompt", lambda: checks_desktop.check_prompt(machine)),
        ("autostart", lambda: checks_desktop.check_autostart(paths)),
    )
    found = [finding for finding in describe(machine) if finding.key != "display"]
    return Diagnosis((*found, *(_run(key, check) for key, check in single)))


def _run(key: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except GaloshError as error:
        return checks.failed(key, error)
    except Exception as error:  # one broken check must not hide the others
        title = say(f"setup.check-{key}")
        return Finding(key, title, repr(error), "fail", say("setup.advice-check-broke"))
