"""What a model's authors advise holds where the asker said nothing, and only there."""

from __future__ import annotations

from galosh.supervisor.request import GenerationRequest

QUESTION = {"role": "user", "content": "Hi"}


def test_sampling_of_the_asker_wins() -> None:
    request = GenerationRequest(prompt="x", sampling={"temperature": 0.0})
    framed = request.with_defaults({"temperature": 0.7, "top_k": 20}, "Be brief.").frame("r1")
    assert framed["sampling"] == {"temperature": 0.0, "top_k": 20}
    assert framed["prompt"] == "x"


def test_a_system_message_is_given_only_where_there_is_none() -> None:
    bare = GenerationRequest(messages=(QUESTION,))
    led = GenerationRequest(messages=({"role": "system", "content": "Mine."}, QUESTION))
    assert bare.with_defaults({}, "").frame("r")["messages"] == [
        {"role": "system", "content": ""},
        QUESTION,
    ]
    assert bare.with_defaults({}, None).frame("r")["messages"] == [QUESTION]
    assert led.with_defaults({}, "Theirs.").frame("r")["messages"] == list(led.messages or ())
