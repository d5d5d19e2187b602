"""Completion scripts for bash, zsh, fish and PowerShell, made from the arguments' parser. Pure.

What a script knows is one table: which words, options and values may stand where. A value
that starts with `@` is a list of names that `galosh complete` prints, `@files` is left to the
shell, and `@` alone is a value that nobody can guess.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

_FILES, _FREE = "@files", "@"
# What an argument is a name of: by its name in the parser, or with its command before it.
_NAMES: Mapping[str, str] = {
    "setup model": "@sources", "model": "@models", "source": "@sources",
    "id": "@downloads", "build_id": "@engines",
    "file": _FILES, "output": _FILES, "chat preset": "@samplers", "preset": "@presets",
    "models template name": "@templates", "settings get name": "@settings",
    "settings set name": "@settings", "complete kind": _FREE,
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What may stand behind one command. words: sub-commands with what they do; values: of
    each option that takes one; arguments: of each place, the last one for all that follow."""

    words: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    rest: str = ""


Table = Mapping[str, Place]


def read_table(parser: argparse.ArgumentParser) -> Table:
    """Every command, by the words that lead to it; "" is galosh itself."""
    return dict(_walk(parser, ""))


def _walk(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, Place]]:
    options: list[str] = []
    values: dict[str, str] = {}
    arguments: list[str] = []
    children: dict[str, argparse.ArgumentParser] = {}
    words: dict[str, str] = {}
    rest = ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            children = dict(action.choices)
            shown = action._choices_actions
            words = {choice.dest: str(choice.help or "") for choice in shown}
        elif action.option_strings:
            options += action.option_strings
            if action.nargs != 0:
                values |= dict.fromkeys(action.option_strings, _value(action, path))
        else:
            arguments.append(_value(action, path))
            rest = arguments[-1] if action.nargs in ("*", "+") else ""
    yield path, Place(words, tuple(options), values, tuple(arguments), rest)
    for name, child in children.items():
        yield from _walk(child, f"{path} {name}".strip())


def _value(action: argparse.Action, path: str) -> str:
    if action.choices is not None:
        return " ".join(map(str, action.choices))
    if "FILE" in str(action.metavar) and "|" not in str(action.metavar):
        return _FILES
    return _NAMES.get(f"{path} {action.dest}") or _NAMES.get(action.dest) or _FREE


def _rows(table: Table) -> Iterator[tuple[str, str]]:
    """Key and value of every entry but the words, which have descriptions."""
    for path, place in table.items():
        yield f"options:{path}", " ".join(place.options)
        for option, value in place.values.items():
            yield f"value:{path}:{option}", value
        for number, value in enumerate(place.arguments, 1):
            yield f"place:{path}:{number}", value
        if place.rest:
            yield f"rest:{path}", place.rest


def _words(table: Table) -> Iterator[tuple[str, Mapping[str, str]]]:
    return ((path, place.words) for path, place in table.items() if place.words)


def _cases(table: Table) -> str:
    """The table as the body of a `case` of sh."""
    lines = [
        f'        "words:{path}") found="{" ".join(words)}" ;;' for path, words in _words(table)
    ]
    lines += [f'        "{key}") found="{value}" ;;' for key, value in _rows(table)]
    return "\n".join([*lines, '        *) found="" ;;'])


def bash(table: Table) -> str:
    """For bash 3.2 and later."""
    return _BASH.replace("@CASES@", _cases(table))


def zsh(table: Table) -> str:
    """For zsh, as a file `_galosh` in its path or read with eval."""
    about = []
    for path, words in _words(table):
        pairs = " ".join(_quoted(f"{word}:{text}") for word, text in words.items())
        about.append(f'        "{path}") about=({pairs}) ;;')
    return _ZSH.replace("@CASES@", _cases(table)).replace("@ABOUT@", "\n".join(about))


def fish(table: Table) -> str:
    """For fish 3 and later."""
    lines = []
    for path, words in _words(table):
        pairs = " ".join(_fish_quoted(f"{word}\t{text}") for word, text in words.items())
        lines.append(f"        case 'words:{path}'\n            printf '%s\\n' {pairs}")
    for key, value in _rows(table):
        lines.append(f"        case '{key}'\n            printf '%s\\n' {value}")
    return _FISH.replace("@CASES@", "\n".join(lines))


def powershell(table: Table) -> str:
    """For PowerShell 5.1 and later."""
    lines = [f"    'words:{path}' = '{' '.join(words)}'" for path, words in _words(table)]
    lines += [f"    '{key}' = '{value}'" for key, value in _rows(table)]
    return _POWERSHELL.replace("@ROWS@", "\n".join(lines))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_BASH = r"""# Completion of galosh for bash. Made by: galosh completions bash
_galosh_table() {
    case "$1" in
@CASES@
    esac
}

_galosh() {
    local cur=${COMP_WORDS[COMP_CWORD]} at="" place=0 option="" found="" word i
    local IFS=$' \t\n'
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $option ]]; then option=""; continue; fi
        if [[ $word == -* ]]; then
            _galosh_table "value:$at:$word"
            [[ -n $found ]] && option=$word
            continue
        fi
        _galosh_table "words:$at"
        if [[ " $found " == *" $word "* ]]; then
            at="${at:+$at }$word" place=0
        else
            ((place += 1))
        fi
    done
    if [[ -n $option ]]; then
        _galosh_table "value:$at:$option"
    elif [[ $cur == -* ]]; then
        _galosh_table "options:$at"
    else
        _galosh_table "words:$at"
        [[ -z $found ]] && _galosh_table "place:$at:$((place + 1))"
        [[ -z $found ]] && _galosh_table "rest:$at"
    fi
    case $found in
        @files) ;;
        @*) [[ -n ${found#@} ]] && found=$("${COMP_WORDS[0]}" complete "${found#@}" 2>/dev/null) ;;
        *) found=${found// /$'\n'} ;;
    esac
    IFS=$'\n'
    if [[ $found == @files ]]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$cur"))
    elif [[ $found != @ ]]; then
        for word in $(compgen -W "$found" -- "$cur"); do
            COMPREPLY+=("$(printf %q "$word")")
        done
    fi
}
complete -F _galosh galosh
"""

_ZSH = r"""#compdef galosh
# Completion of galosh for zsh. Made by: galosh completions zsh
_galosh_table() {
    case "$1" in
@CASES@
    esac
}

_galosh_about() {
    case "$1" in
@ABOUT@
    esac
}

_galosh() {
    emulate -L zsh
    local cur=${words[CURRENT]} at="" option="" found="" word
    local -i place=0 i
    local -a about names
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        if [[ -n $option ]]; then option=""; continue; fi
        if [[ $word == -* ]]; then
            _galosh_table "value:$at:$word"
            [[ -n $found ]] && option=$word
            continue
        fi
        _galosh_table "words:$at"
        if [[ " $found " == *" $word "* ]]; then
            at="${at:+$at }$word" place=0
        else
            ((place += 1))
        fi
    done
    if [[ -n $option ]]; then
        _galosh_table "value:$at:$option"
    elif [[ $cur == -* ]]; then
        _galosh_table "options:$at"
    else
        _galosh_about "$at"
        if ((${#about})); then _describe galosh about; return; fi
        _galosh_table "place:$at:$((place + 1))"
        [[ -z $found ]] && _galosh_table "rest:$at"
    fi
    case $found in
        @files) _files ;;
        @) ;;
        @*) names=("${(@f)$(${words[1]} complete ${found#@} 2>/dev/null)}"); compadd -a names ;;
        *) compadd -- ${=found} ;;
    esac
}

if [[ ${funcstack[1]} == _galosh ]]; then _galosh "$@"; else compdef _galosh galosh; fi
"""

_FISH = r"""# Completion of galosh for fish. Made by: galosh completions fish
function __galosh_table
    switch "$argv[1]"
@CASES@
    end
end

function __galosh_complete
    set -l before (commandline -opc)
    set -l cur (commandline -ct)
    set -l at ''
    set -l option ''
    set -l place 0
    for word in $before[2..-1]
        if test -n "$option"
            set option ''
        else if string match -q -- '-*' $word
            set -l value (__galosh_table "value:$at:$word")
            set -q value[1]; and set option $word
        else if contains -- $word (__galosh_table "words:$at" | string split -f1 \t)
            set at (string trim "$at $word")
            set place 0
        else
            set place (math $place + 1)
        end
    end
    set -l found
    if test -n "$option"
        set found (__galosh_table "value:$at:$option")
    else if string match -q -- '-*' $cur
        set found (__galosh_table "options:$at")
    else
        set found (__galosh_table "words:$at")
        set -q found[1]; or set found (__galosh_table "place:$at:"(math $place + 1))
        set -q found[1]; or set found (__galosh_table "rest:$at")
    end
    switch "$found"
        case '@files'
            __fish_complete_path $cur
        case '@'
        case '@*'
            $before[1] complete (string sub -s 2 -- $found) 2>/dev/null
        case '*'
            printf '%s\n' $found
    end
end
complete -c galosh -f -a '(__galosh_complete)'
"""

_POWERSHELL = r"""# Completion of galosh for PowerShell. Made by: galosh completions powershell
$GaloshTable = @{
@ROWS@
}
Register-ArgumentCompleter -Native -CommandName galosh -ScriptBlock {
    param($cur, $ast, $position)
    $at = ''; $option = ''; $place = 0
    $before = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } |
        ForEach-Object { $_.Extent.Text })
    foreach ($word in ($before | Select-Object -Skip 1)) {
        if ($option) { $option = ''; continue }
        if ($word.StartsWith('-')) {
            if ($GaloshTable["value:${at}:$word"]) { $option = $word }
            continue
        }
        if (("" + $GaloshTable["words:$at"]).Split(' ') -ccontains $word) {
            $at = "$at $word".Trim(); $place = 0
        } else { $place += 1 }
    }
    if ($option) { $found = $GaloshTable["value:${at}:$option"] }
    elseif ($cur.StartsWith('-')) { $found = $GaloshTable["options:$at"] }
    else {
        $found = $GaloshTable["words:$at"]
        if (-not $found) { $found = $GaloshTable["place:${at}:$($place + 1)"] }
        if (-not $found) { $found = $GaloshTable["rest:$at"] }
    }
    if (-not $found -or $found -eq '@') { return }
    # Nothing returned: PowerShell offers files by itself.
    if ($found -eq '@files') { return }
    if ($found.StartsWith('@')) { $names = & $before[0] complete $found.Substring(1) 2>$null }
    else { $names = $found.Split(' ') }
    $names | Where-Object { $_ -like "$cur*" } | ForEach-Object {
        $text = if ($_ -match '\s') { "'$_'" } else { $_ }
        [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
    }
}
"""

SHELLS: Mapping[str, Callable[[Table], str]] = {
    "bash": bash,
    "zsh": zsh,
    "fish": fish,
    "powershell": powershell,
}
