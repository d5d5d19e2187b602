"""Holds an answer to calls of the functions offered, as far as its request asks for that.

Where a call must come, the whole answer has the form; where one may come, only what follows
the opener of a call.
"""

from __future__ import annotations

from dataclasses import replace

from galosh.worker.model import Model
from galosh.worker.options import GenerateOptions
from galosh.worker.tool_grammar import calls_grammar
from galosh.worker.trigger import Trigger


def held_to_calls(model: Model, options: GenerateOptions, *, thinking: bool) -> GenerateOptions:
    """The options with the grammar of calls. Raises WorkerFault worker-schema-…"""
    form = model.template.form
    forced = options.must_call or options.call_name is not None
    if not options.tools or options.messages is None or not (forced or form.opener):
        return options
    offered = [tool for tool in options.tools if options.call_name in (None, tool.name)]
    grammar = calls_grammar(
        form,
        offered,
        # Who names one function wants one call.
        parallel=options.parallel_calls and options.call_name is None,
        forced=forced,
        thinks=model.template.thinks,
        thinking=thinking,
    )
    return replace(options, grammar=grammar, opener="" if forced else form.opener)


def trigger_of(model: Model, options: GenerateOptions, *, thinking: bool) -> Trigger | None:
    """What the grammar of an answer waits for; None: nothing."""
    if not options.opener:
        return None
    thought = model.template.form.thought if model.template.thinks else None
    return Trigger(options.opener, thought, thinking=thinking)
