"""Runs one command and gives every ending its words and its exit status."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.texts import say
from galosh.cli.output import Output
from galosh.cli.parser import VERBS, parse

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `galosh ARGV`; returns the exit status and never raises (SystemExit for usage)."""
    _make_streams_safe()
    arguments = parse(sys.argv[1:] if argv is None else argv)
    output = Output(as_json=arguments.json, debug=arguments.debug)
    try:
        module = importlib.import_module(f"galosh.cli.{VERBS[arguments.verb]}")
        status = int(module.run(arguments, output))
        sys.stdout.flush()
        return status
    except GaloshError as error:
        if output.debug:
            _print_traceback()
        return output.error(error)
    except KeyboardInterrupt:
        output.note(say("cli.interrupted"))
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Nothing may be written any more, the
        # interpreter's own flush at exit included.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if output.debug:
            _print_traceback()
        return output.error(GaloshError("cli-broke", reason=_name(error), log=_keep_trace()))


def _make_streams_safe() -> None:
    """A terminal that cannot show a letter shows `?` instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def _name(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _keep_trace() -> str:
    """Add the traceback to the log; returns the log's path."""
    import traceback

    from galosh.base.paths import Paths

    file: Path = Paths.find().logs / "cli.log"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc() + "\n")
    return str(file)
