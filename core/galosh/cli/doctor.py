"""`galosh doctor`: everything that has to be right, each ok / warn / fail with a next step."""

from __future__ import annotations

import argparse

from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.output import Output
from galosh.setup.doctor import Diagnosis, examine


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Print the findings; status 1 when one of them is a fail."""
    diagnosis = examine(Paths.find())
    output.result(diagnosis.to_json(), render(diagnosis))
    return 0 if diagnosis.healthy else 1


def render(diagnosis: Diagnosis) -> str:
    """The findings as lines; advice only where there is something to do or to know."""
    lines = []
    for finding in diagnosis.findings:
        verdict = say(f"cli.verdict-{finding.verdict}")
        lines.append(f"{verdict:<8}{finding.title}: {finding.value}")
        if finding.verdict != "ok":
            lines += [f"{'':<8}{line}" for line in finding.advice.splitlines()]
    key = "cli.doctor-healthy" if diagnosis.healthy else "cli.doctor-sick"
    return "\n".join([*lines, "", say(key)])
