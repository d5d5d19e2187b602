"""The arguments of every verb. Imports no verb: reading arguments must cost nothing."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from galosh.base.texts import say

# verb -> module of galosh.cli that runs it, in the order a newcomer needs them
VERBS = {
    "ask": "ask",
    "chat": "chat",
    "notebook": "notebook",
    "setup": "setup",
    "doctor": "doctor",
    "status": "status",
    "models": "models",
    "pull": "pull",
    "downloads": "downloads",
    "fit": "fit",
    "presets": "presets",
    "settings": "settings",
    "start": "daemon",
    "stop": "daemon",
    "restart": "daemon",
    "pause": "pause",
    "resume": "pause",
    "tray": "tray",
    "popup": "popup",
    "hotkey": "hotkey",
    "autostart": "autostart",
    "token": "token",
    "env": "env",
    "completions": "completions",
    "bench": "bench",
    "engine": "engine",
    "hardware": "hardware",
    "logs": "logs",
    "serve": "serve",
    "uninstall": "uninstall",
    "complete": "complete",
}

_HIDDEN = frozenset({"complete"})  # for the shells' own use

_Parser = argparse.ArgumentParser
_Group = Any  # argparse names its sub-parser action privately


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments as a namespace with verb, json, debug and the verb's own.

    Raises SystemExit 2 for wrong usage, 0 for --help and --version.
    """
    parser = build_parser(only=_verb_of(argv))
    arguments = parser.parse_args(list(argv))
    arguments.json = getattr(arguments, "json", False)
    arguments.debug = getattr(arguments, "debug", False)
    if arguments.verb is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    return arguments


def build_parser(only: str | None = None) -> _Parser:
    """The parser; `only` fills in the arguments of that one verb (the others get a name)."""
    common = _Quiet(add_help=False)
    common.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help=say("cli.help-json")
    )
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help=say("cli.help-debug")
    )
    parser = _Quiet(
        prog="galosh", description=say("cli.about"), epilog=say("cli.first"), parents=[common]
    )
    parser.add_argument("--version", action=_Version, nargs=0, help=say("cli.help-version"))
    verbs = parser.add_subparsers(prog="galosh", dest="verb", metavar=say("cli.command"))
    for verb in VERBS:
        text = say(f"cli.verb-{verb}")
        # One without a help text is not listed.
        shown: dict[str, Any] = {} if verb in _HIDDEN else {"help": text}
        child = verbs.add_parser(verb, description=text, parents=[common], **shown)
        if only in (None, verb) and verb in _ARGUMENTS:
            _ARGUMENTS[verb](child, common)
    return parser


def _verb_of(argv: Sequence[str]) -> str | None:
    return next((word for word in argv if word in VERBS), None)


class _Lines(argparse.HelpFormatter):
    """Knows the width itself: argparse would load shutil for it with every argument added."""

    def __init__(self, prog: str) -> None:
        try:
            width = os.get_terminal_size().columns
        except (OSError, ValueError):
            width = 80
        super().__init__(prog, width=max(width, 40) - 2, max_help_position=28)

    def add_usage(
        self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None
    ) -> None:
        """Its first word in the user's language."""
        super().add_usage(usage, actions, groups, say("cli.usage") if prefix is None else prefix)

    def add_argument(self, action: argparse.Action) -> None:
        """Sub-commands stand further in than argparse counts on."""
        super().add_argument(action)
        if action.nargs == argparse.PARSER:
            self._action_max_length += self._indent_increment


class _Quiet(argparse.ArgumentParser):
    """No abbreviations: `--deb` must not become something else in the next version."""

    def __init__(self, **options: Any) -> None:
        help_too = options.pop("add_help", True)
        super().__init__(allow_abbrev=False, formatter_class=_Lines, add_help=False, **options)
        if not help_too:
            return  # only a parent of others, which know its groups by argparse's own titles
        # argparse's own words are English only.
        self._positionals.title = say("cli.arguments")
        self._optionals.title = say("cli.options")
        self.add_argument("-h", "--help", action="help", help=say("cli.help-help"))

    def error(self, message: str) -> NoReturn:
        """Usage and reason on stderr, status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


class _Version(argparse.Action):
    def __call__(self, parser: _Parser, *_: object) -> NoReturn:
        """Print the version; its lookup is paid for only here."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("galosh")
        except PackageNotFoundError:  # run from the sources, without an installation
            found = "0"
        sys.stdout.write(f"galosh {found}\n")
        parser.exit()


def _setup(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("--yes", "-y", action="store_true", help=say("cli.help-yes"))
    parser.add_argument("--starter-only", action="store_true", help=say("cli.help-starter-only"))
    parser.add_argument("--model", metavar="ID|FILE", help=say("cli.help-setup-model"))
    parser.add_argument("--no-tray", action="store_true", help=say("cli.help-no-tray"))


def _children(parser: _Parser, common: _Parser, part: str, names: Sequence[str]) -> list[_Parser]:
    group: _Group = parser.add_subparsers(
        prog=f"galosh {part}", dest="action", metavar=say("cli.action")
    )
    parser.set_defaults(action=names[0])
    made = []
    for name in names:
        text = say(f"cli.{part}-{name}")
        made.append(group.add_parser(name, help=text, description=text, parents=[common]))
    return made


def _models(parser: _Parser, common: _Parser) -> None:
    names = (
        "list", "use", "add", "remove", "template", "verify", "recommend", "scan", "refresh",
    )  # fmt: skip
    made = _children(parser, common, "models", names)
    _, use, add, remove, template, verify, suggest, scan, _ = made
    for child in (use, remove, template):
        child.add_argument("model", metavar="ID", help=say("cli.help-id"))
    template.add_argument("name", metavar="NAME", nargs="?", help=say("cli.help-template"))
    add.add_argument("file", metavar="FILE", help=say("cli.help-gguf"))
    verify.add_argument("model", metavar="ID", nargs="?", help=say("cli.help-id-or-all"))
    suggest.add_argument("--all", action="store_true", help=say("cli.help-recommend-all"))
    suggest.add_argument("--online", action="store_true", help=say("cli.help-recommend-online"))
    scan.add_argument("--add", action="store_true", help=say("cli.help-scan-add"))


def _fit(parser: _Parser, _common: _Parser) -> None:
    kinds = ("f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
    parser.add_argument("source", metavar="SOURCE", help=say("cli.help-source"))
    parser.add_argument("--ctx", type=_positive, metavar="N", help=say("cli.help-ctx"))
    parser.add_argument(
        "--cache-type", choices=kinds, default="f16", metavar="T", help=say("cli.help-cache-type")
    )
    parser.add_argument("--no-engine", action="store_true", help=say("cli.help-no-engine"))


def _bench(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("--model", "-m", metavar="ID", help=say("cli.help-bench-model"))
    parser.add_argument(
        "--runs", type=_positive, default=3, metavar="N", help=say("cli.help-bench-runs")
    )
    parser.add_argument("--anyway", action="store_true", help=say("cli.help-bench-anyway"))


def _pull(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=say("cli.help-source"))
    parser.add_argument("--sha256", metavar="H", help=say("cli.help-sha256"))
    parser.add_argument("--output", "-o", metavar="FILE", help=say("cli.help-output"))
    parser.add_argument(
        "--connections", type=_connections, metavar="N", help=say("cli.help-connections")
    )
    parser.add_argument("--max-rate", type=_rate, metavar="R", help=say("cli.help-max-rate"))
    parser.add_argument("--detach", action="store_true", help=say("cli.help-detach"))
    parser.epilog = say("cli.help-pull-json")


def _downloads(parser: _Parser, common: _Parser) -> None:
    names = ("list", "pause", "resume", "cancel", "remove")
    for child in _children(parser, common, "downloads", names)[1:]:
        child.add_argument("id", metavar="ID", help=say("cli.help-download"))


def _engine(parser: _Parser, common: _Parser) -> None:
    names = ("list", "build", "try", "use", "gpu")
    _, build, trial, use, gpu = _children(parser, common, "engine", names)
    build.add_argument("--model", metavar="FILE", help=say("cli.help-trial-model"))
    trial.add_argument("build_id", nargs="?", metavar="BUILD-ID", help=say("cli.help-build"))
    trial.add_argument("--model", metavar="FILE", help=say("cli.help-trial-model"))
    use.add_argument("build_id", metavar="BUILD-ID", help=say("cli.help-build"))
    gpu.add_argument("--model", metavar="FILE", help=say("cli.help-trial-model"))


def _settings(parser: _Parser, common: _Parser) -> None:
    _, get, change = _children(parser, common, "settings", ("list", "get", "set"))
    for child in (get, change):
        child.add_argument("name", metavar="NAME", help=say("cli.help-setting"))
    change.add_argument("value", metavar="VALUE", help=say("cli.help-value"))


def _autostart(parser: _Parser, common: _Parser) -> None:
    _children(parser, common, "autostart", ("status", "on", "off"))


def _hotkey(parser: _Parser, common: _Parser) -> None:
    names = ("show", "set", "test", "bind", "unbind")
    _, change, *_ = _children(parser, common, "hotkey", names)
    change.add_argument("trigger", metavar="TRIGGER", help=say("cli.help-trigger"))


def _env(parser: _Parser, _common: _Parser) -> None:
    shells = ("sh", "fish", "powershell", "cmd")
    parser.add_argument("--shell", choices=shells, metavar="S", help=say("cli.help-shell"))


def _ask(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("-m", "--model", metavar="ID", help=say("cli.help-model"))
    parser.add_argument("-p", "--preset", metavar="NAME", help=say("cli.help-preset"))
    parser.add_argument("--max-tokens", type=_positive, metavar="N", help=say("cli.help-max"))
    _think(parser)
    parser.add_argument("text", nargs="*", metavar="TEXT", help=say("cli.help-text"))


def _think(parser: _Parser) -> None:
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--think", action="store_true", default=None, help=say("cli.help-think"))
    choice.add_argument(
        "--no-think", action="store_false", dest="think", help=say("cli.help-no-think")
    )


def _chat(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("-m", "--model", metavar="ID", help=say("cli.help-model"))
    parser.add_argument("-p", "--preset", metavar="NAME", help=say("cli.help-sampler"))
    parser.add_argument(
        "-c", "--continue", action="store_true", dest="go_on", help=say("cli.help-continue")
    )
    parser.add_argument("--max-tokens", type=_positive, metavar="N", help=say("cli.help-max"))


def _notebook(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("--print", action="store_true", help=say("cli.help-notebook-print"))
    tabs = ("notebook", "chat", "models", "settings")
    parser.add_argument("--tab", choices=tabs, help=say("cli.help-notebook-tab"))


def _complete(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("kind", metavar="KIND")


def _completions(parser: _Parser, _common: _Parser) -> None:
    shells = ("bash", "zsh", "fish", "powershell")
    parser.add_argument("shell", choices=shells, metavar="SHELL", help=", ".join(shells))


def _token(parser: _Parser, common: _Parser) -> None:
    _children(parser, common, "token", ("show", "rotate"))


def _logs(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument(
        "-n", "--lines", type=_positive, default=50, metavar="N", help=say("cli.help-lines")
    )


def _tray(parser: _Parser, _common: _Parser) -> None:
    for name in ("show-popup", "login", "no-popup", "no-hotkey", "no-daemon"):
        parser.add_argument(f"--{name}", action="store_true", help=say(f"cli.help-tray-{name}"))


def _uninstall(parser: _Parser, _common: _Parser) -> None:
    parser.add_argument("--yes", "-y", action="store_true", help=say("cli.help-yes"))
    parser.add_argument("--keep-models", action="store_true", help=say("cli.help-keep-models"))
    parser.add_argument(
        "--with-notebooks", action="store_true", help=say("cli.help-with-notebooks")
    )


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(say("cli.not-positive", text=text))
    return value


def _connections(text: str) -> int:
    value = _positive(text)
    if value > 8:
        raise argparse.ArgumentTypeError(say("cli.too-many-links", text=text))
    return value


def _rate(text: str) -> int:
    """Bytes per second: `500k`, `2M`, `1.5MB`, `800000`."""
    plain = text.strip().lower().removesuffix("/s").removesuffix("b").strip()
    unit = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}.get(plain[-1:], 1)
    try:
        value = int(float(plain[:-1] if unit > 1 else plain) * unit)
    except (ValueError, OverflowError):
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(say("cli.not-a-rate", text=text))
    return value


_ARGUMENTS: dict[str, Callable[[_Parser, _Parser], None]] = {
    "setup": _setup,
    "fit": _fit,
    "models": _models,
    "pull": _pull,
    "downloads": _downloads,
    "engine": _engine,
    "env": _env,
    "hotkey": _hotkey,
    "notebook": _notebook,
    "settings": _settings,
    "token": _token,
    "ask": _ask,
    "autostart": _autostart,
    "bench": _bench,
    "chat": _chat,
    "complete": _complete,
    "completions": _completions,
    "logs": _logs,
    "tray": _tray,
    "uninstall": _uninstall,
}
