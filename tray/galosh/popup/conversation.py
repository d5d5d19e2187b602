"""One talk in the quick prompt: what was asked, what came back, what an answer stands for. Pure.

Owns the turns and the selection they are about. The window shows it; `talk` carries it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from galosh.popup.lines import Chosen
from galosh.presets.prompt import Prompt

# In this order; what a user adds comes after, the rest of ours at the end.
_FIRST = ("fix-grammar", "summarize", "translate", "explain", "reply")

Message = Mapping[str, object]


@dataclass
class Turn:
    """One question and its answer. shown: what stands for the question in the window; sent: its
    full words. rewrites: the answer stands for this text."""

    shown: str
    typed: str
    sent: str
    sampler: str | None = None
    system: str | None = None
    rewrites: str | None = None
    answer: str = ""
    over: bool = False


@dataclass
class Conversation:
    """See the module. selection: what the user had marked when the window opened."""

    selection: Chosen | None = None
    turns: list[Turn] = field(default_factory=list)

    @property
    def marked(self) -> str:
        """The text of the selection, "" for none."""
        return "" if self.selection is None else self.selection.text

    @property
    def under_way(self) -> Turn | None:
        """The turn whose answer has not ended."""
        return self.turns[-1] if self.turns and not self.turns[-1].over else None

    @property
    def last_answer(self) -> str:
        """The exact words of the newest answer there is."""
        return next((turn.answer for turn in reversed(self.turns) if turn.answer), "")

    @property
    def replacement(self) -> str:
        """The newest answer as it goes to where the user was typing."""
        turn = next((turn for turn in reversed(self.turns) if turn.answer), None)
        if turn is None:
            return ""
        around = self.marked if turn.rewrites is None else turn.rewrites
        return as_replacement(around, turn.answer)

    def ask(self, typed: str, tongue: str, prompt: Prompt | None = None) -> Turn | None:
        """Begin a turn; None when nothing is asked.

        With a prompt the talk begins anew: a prompt says all it needs. The selection is told
        once; questions that follow are about the same one.
        """
        typed = typed.strip()
        if prompt is not None:
            self.turns.clear()
            text = prompt.fill(tongue, selection=self.marked, typed=typed)
            title = prompt.title(tongue)
            turn = Turn(
                f"{title}: {typed}" if typed else title,
                typed,
                text,
                prompt.sampler,
                prompt.system,
                self.marked if prompt.rewrites else None,
            )
        elif typed:
            told = any(self.marked in earlier.sent for earlier in self.turns)
            text = typed if told or not self.marked.strip() else f"{typed}\n\n{self.marked}"
            turn = Turn(typed, typed, text)
        else:
            return None
        self.turns.append(turn)
        return turn

    def messages(self) -> list[Message]:
        """The talk up to the newest question, as the daemon takes it."""
        found: list[Message] = []
        for turn in self.turns:
            if turn.system:
                found.append({"role": "system", "content": turn.system})
            found.append({"role": "user", "content": turn.sent})
            if turn.over:
                found.append({"role": "assistant", "content": turn.answer})
        return found

    def take(self, text: str) -> str:
        """More of the answer under way; the part of it that is shown."""
        turn = self.under_way
        if turn is None:
            return ""
        # Models like to begin with a line break that nobody asked for.
        text = text if turn.answer else text.lstrip()
        turn.answer += text
        return text

    def end(self) -> str:
        """The answer is over, whole or not. A turn without any words of an answer is as if it
        had not been asked: returns what was typed for it, which goes back to the field."""
        turn = self.under_way
        if turn is None:
            return ""
        turn.over = True
        if turn.answer.strip():
            return ""
        self.turns.pop()
        return turn.typed

    def as_text(self) -> str:
        """The whole talk, for the notebook."""
        parts = []
        for turn in self.turns:
            parts += [turn.sent, turn.answer]
        return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def as_replacement(selection: str, answer: str) -> str:
    """An answer in the place of the selection: with the blank space that was around that."""
    if not selection.strip():
        return answer.strip()
    start = selection[: len(selection) - len(selection.lstrip())]
    end = selection[len(selection.rstrip()) :]
    return start + answer.strip() + end


def read_actions(presets: Mapping[str, object]) -> list[Prompt]:
    """The actions in what the daemon says of presets, in the order in which they are shown."""
    found = presets.get("prompts")
    prompts = [_prompt(item) for item in found if isinstance(item, Mapping)] if isinstance(
        found, Sequence
    ) else []  # fmt: skip
    actions = [prompt for prompt in prompts if prompt is not None and prompt.kind == "action"]
    return sorted(actions, key=_rank)


def _rank(prompt: Prompt) -> tuple[int, str]:
    if prompt.name in _FIRST:
        return _FIRST.index(prompt.name), ""
    return len(_FIRST) + (not prompt.own), prompt.name


def _prompt(item: Mapping[str, object]) -> Prompt | None:
    name, texts = item.get("name"), _texts(item.get("texts"))
    if not isinstance(name, str) or "en" not in texts:
        return None
    system, sampler = item.get("system"), item.get("sampler")
    return Prompt(
        name=name,
        kind=str(item.get("kind")),
        texts=texts,
        titles=_texts(item.get("titles")),
        defaults=_texts(item.get("defaults")),
        system=system if isinstance(system, str) else None,
        sampler=sampler if isinstance(sampler, str) else None,
        rewrites=item.get("rewrites") is True,
        own=item.get("own") is True,
    )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {str(key): text for key, text in value.items() if isinstance(text, str)}


def beginning(prompt: Prompt | None, tongue: str) -> list[Message]:
    """What can be read before anything is asked: a prompt up to where the selection comes."""
    if prompt is None:
        return [{"role": "user", "content": " "}]
    messages: list[Message] = [{"role": "user", "content": prompt.beginning(tongue) or " "}]
    if prompt.system:
        messages.insert(0, {"role": "system", "content": prompt.system})
    return messages
