"""What every client program is asked to do; printed as one JSON document."""

from __future__ import annotations

import json
import os
import sys

ADDRESS = os.environ["GALOSH_ADDRESS"]
TOKEN = os.environ["GALOSH_TOKEN"]
MODEL = os.environ["GALOSH_MODEL"]
QUESTION = "What is the capital of France?"
TALK = [{"role": "user", "content": QUESTION}]
STOP = "Paris"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": ["Paris", "Rome"]},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "unit"],
    },
}
TOOL = {"type": "function", "function": WEATHER}
RESULT = "21 degrees and sunny"
TEXTS = ["The cat sat on the mat.", "A cat sits on a rug."]


def tell(**found: object) -> None:
    """Print what was found."""
    json.dump(found, sys.stdout, default=str)


def refusal(error: BaseException) -> dict[str, object]:
    """What a client makes of a refused request."""
    status = getattr(error, "status_code", None)
    return {"kind": type(error).__name__, "status": status, "text": str(error)}
