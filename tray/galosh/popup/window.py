"""The quick prompt itself: shows and hides, asks, shows what comes, and tells the tray.

Owns when the window is seen and which answer belongs into it. Lives in Tk's thread; what other
threads find comes through the inbox. Never waits: not for the daemon, not for the disk.
"""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Mapping, Sequence

from galosh.base.errors import GaloshError
from galosh.base.texts import language, say
from galosh.popup import talk, waiting
from galosh.popup.conversation import Conversation, Message, beginning, read_actions
from galosh.popup.difference import SAME, Change, changes
from galosh.popup.history import History
from galosh.popup.keep import Keeper
from galosh.popup.lines import Chosen, Hide, Inserted, Moved, Order, Quit, Show
from galosh.popup.looks import Looks
from galosh.popup.progress import Progress
from galosh.popup.talk import Ended, Facts, Failed, News, Told, Words
from galosh.popup.view import View
from galosh.presets.prompt import Prompt

_WRITE_SECONDS = 0.05  # at most twenty writes a second: each costs time that the model needs
_TICK_SECONDS = 0.5
_GRAB_SECONDS = 0.5  # as long as a key is held, and a busy machine takes to pass it on
_STALE_SECONDS = 600.0  # hidden for so long, the next question begins a new talk
_ACTIONS = 9

Tell = Callable[..., None]


class Window:
    """See the module. tell: an event for the tray, with its facts."""

    def __init__(self, root: tk.Tk, looks: Looks, carrier: talk.Talk, keeper: Keeper,
                 tell: Tell) -> None:  # fmt: skip
        self._root, self._looks, self._talk, self._keeper, self._tell = (
            root, looks, carrier, keeper, tell,
        )  # fmt: skip
        questions, draft = keeper.load()
        self._history = History(questions)
        self._conversation = Conversation()
        self._progress = Progress()
        self._actions: list[Prompt] = []
        self._favourite: str | None = None
        self._settings: Mapping[str, object] = {}
        self._number: int | None = None
        self._pending, self._writing, self._written_at = "", False, 0.0
        self._changes: Sequence[Change] | None = None
        self._visible, self._hidden_at = False, 0.0
        self._left_at = 0.0
        self._dark: bool | None = None
        self._timer = ""
        self._screen: tuple[int, int, int, int] | None = None
        self._view = View(root, looks, self)
        self._view.typed = draft
        root.bind("<FocusOut>", self._note_leaving, add=True)
        self._fresh()

    # -- what the tray wants

    def obey(self, order: Order) -> None:
        """Do what the tray says."""
        if isinstance(order, Show):
            if order.toggle and self._visible and self._is_used():
                self.leave()
            else:
                self._show(order)
        elif isinstance(order, Hide):
            self.leave()
        elif isinstance(order, Inserted):
            self._inserted(order.how)
        elif isinstance(order, Moved):
            if order.text == self._conversation.as_text():  # nothing was asked since
                self._begin_anew(self._conversation.selection)
        elif isinstance(order, Quit):
            self.quit()

    def _note_leaving(self, _event: tk.Event[tk.Misc]) -> None:
        self._left_at = time.monotonic()

    def _is_used(self) -> bool:
        """Whether the user is in it. Until the hotkey is let go of, X says that nobody is."""
        just_left = time.monotonic() - self._left_at < _GRAB_SECONDS
        return just_left or self._root.focus_displayof() is not None

    def quit(self) -> None:
        """End the loop, once what is due is written. The window stays for what came with it."""
        self._talk.stop()
        self._remember()
        self._keeper.close()
        self._root.quit()

    def _show(self, order: Show) -> None:
        self._progress.hotkey = order.hotkey
        self._screen = order.screen
        self._take_selection(order.selection)
        self._appear()
        self._talk.look(self._read_ahead, presets=bool(self._conversation.marked))

    def _appear(self) -> None:
        self._view.place(self._screen)
        self._root.deiconify()
        self._root.lift()
        self._view.field.focus_force()
        if not self._visible:
            self._visible = True
            self._root.update_idletasks()
            self._tell("shown")
        self._tick()

    def _take_selection(self, chosen: Chosen | None) -> None:
        """Another text begins another talk. The same one, or none but a place to write to, goes
        on with it, unless it is long ago."""
        stale = not self._visible and time.monotonic() - self._hidden_at > _STALE_SECONDS
        text = "" if chosen is None else chosen.text
        if stale or (text.strip() and text != self._conversation.marked):
            self._begin_anew(chosen)
        elif not self._visible or chosen is not None:
            self._conversation.selection = chosen  # the window of the old one may be gone by now
            self._offer_actions()
            self._offer_buttons()

    def _read_ahead(self, facts: Facts) -> Sequence[Message] | None:
        """What the model may read while the user types. In the talk's thread: no Tk here."""
        if waiting.read_outlook(facts.status).paused:
            return None
        prompt = None
        if self._conversation.marked:
            actions = read_actions(facts.presets)
            prompt = next((one for one in actions if one.name == self._favourite), None)
            prompt = prompt or next(iter(actions), None)
        return beginning(prompt, language())

    def _inserted(self, how: str) -> None:
        if how == "inserted":
            return
        self._appear()
        self._view.say(say("popup.copied-paste" if how == "copied" else "popup.refused"))

    # -- what the user does (view.Deeds)

    def ask(self) -> None:
        """See Deeds."""
        self._begin(None)

    def act(self, number: int) -> None:
        """See Deeds."""
        if self._conversation.marked and number < len(self._actions[:_ACTIONS]):
            self._favourite = self._actions[number].name
            self._begin(self._actions[number])

    def press(self, button: str) -> None:
        """See Deeds."""
        deeds: dict[str, Callable[[], None]] = {
            "insert": self._insert, "copy": self._copy, "changes": self._toggle_changes,
            "notebook": self._continue_in_notebook, "new": self._new, "stop": self._stop,
        }  # fmt: skip
        deeds[button]()

    def leave(self) -> None:
        """See Deeds."""
        self._stop()
        self._talk.stop()
        self._remember()
        if self._visible:
            self._visible, self._hidden_at = False, time.monotonic()
            self._root.withdraw()
            self._tell("hidden")

    def walk(self, *, older: bool) -> bool:
        """See Deeds."""
        found = self._history.older(self._view.typed) if older else self._history.newer()
        if found is not None:
            self._view.typed = found
        return found is not None

    def typed(self) -> None:
        """See Deeds."""
        self._remember()

    # -- asking and answering

    def _begin(self, prompt: Prompt | None) -> None:
        self._stop()
        if prompt is not None:
            self._view.answer.clear()
        turn = self._conversation.ask(self._view.typed, language(), prompt)
        if turn is None:
            return
        self._history.add(turn.typed)
        self._view.typed = ""
        self._changes = None
        self._progress.begin(turn.sent, time.monotonic())
        self._view.answer.begin(turn.shown)
        self._view.offer("stop", "notebook")
        sampler = turn.sampler or str(self._settings.get("ask.preset") or "") or None
        self._number = self._talk.ask(self._conversation.messages(), sampler)
        self._remember()
        self._tick()

    def hear(self, news: News) -> None:
        """Something that the talk's threads found."""
        if isinstance(news, Facts):
            self._learn(news)
            return
        if news.question != self._number:
            return  # of an answer that was stopped
        if isinstance(news, Words):
            # The dearest way there is: a whole answer comes by here, word by word.
            self._progress.words(news.text, news.thought, time.monotonic(), news.model_id)
            self._pending += self._conversation.take(news.text)
            self._write_soon()
            return
        if isinstance(news, Told):
            self._progress.told(news.notice)
        elif isinstance(news, Ended):
            self._progress.end(news.reason, news.usage)
            self._end()
        elif isinstance(news, Failed):
            self._progress.end("failed", None)
            self._end(news.error)
        self._view.say(self._progress.sentence(time.monotonic()))

    def _write_soon(self) -> None:
        if self._pending and not self._writing:
            self._writing = True
            rest = _WRITE_SECONDS - (time.monotonic() - self._written_at)
            self._root.after(max(0, round(rest * 1000)), self._write)

    def _write(self) -> None:
        self._writing = False
        if self._pending:
            words, self._pending = self._pending, ""
            self._view.answer.feed(words)
            self._written_at = time.monotonic()
            self._view.say(self._progress.sentence(self._written_at))

    def _stop(self) -> None:
        """End the answer under way, if any; its words so far stay."""
        if self._number is not None:
            self._talk.stop()
            self._progress.end("cancelled", None)
            self._end()
            self._view.say(self._progress.sentence(time.monotonic()))

    def _end(self, error: GaloshError | None = None) -> None:
        self._number = None
        self._write()
        turn = self._conversation.under_way
        back = self._conversation.end()
        if back and not self._view.typed:
            self._view.typed = back
        self._view.answer.finish()
        if error is not None:
            told = (error.what, error.why, error.next_step)
            self._view.answer.say([line for line in told if line])
        elif turn is not None and turn.rewrites is not None and turn.answer:
            self._compare(turn.rewrites, turn.answer)
        self._offer_buttons()
        self._remember()

    def _compare(self, old: str, new: str) -> None:
        """A rewriting is shown as what it changed, where that helps."""
        found = changes(old.strip(), new.strip())
        if found is None:
            return
        if all(change.kind == SAME for change in found):
            self._progress.remark(say("popup.no-changes"))
            return
        self._changes = found
        self._view.answer.show_changes(found)
        self._view.buttons["changes"].configure(text=say("popup.show-plain"))

    # -- what can be done with an answer

    def _insert(self) -> None:
        if not self._conversation.last_answer:
            return
        chosen = self._conversation.selection
        if chosen is None or not chosen.can_insert:
            self._copy()
            self._view.say(say("popup.copied-paste"))
            return
        text = self._conversation.replacement
        self.leave()  # first: the other window gets the keyboard back
        self._tell("insert", text=text)

    def _copy(self) -> None:
        text = self._view.answer.selected() or self._conversation.last_answer
        if text:
            self._put_on_clipboard(text)
            self._view.say(say("popup.copied"))

    def _put_on_clipboard(self, text: str) -> None:
        self._root.clipboard_clear()
        self._root.clipboard_append(text)

    def _toggle_changes(self) -> None:
        if self._changes is None:
            return
        button = self._view.buttons["changes"]
        shown = button.cget("text") == say("popup.show-plain")
        if shown:
            self._view.answer.replace(self._conversation.last_answer)
        else:
            self._view.answer.show_changes(self._changes)
        button.configure(text=say("popup.show-changes" if shown else "popup.show-plain"))

    def _continue_in_notebook(self) -> None:
        """The tray makes a sheet of the talk. Until it says so, these are the only words."""
        self.leave()
        self._tell("notebook", text=self._conversation.as_text())

    def _new(self) -> None:
        self._stop()
        self._begin_anew(self._conversation.selection)
        self._view.field.focus_set()

    def _begin_anew(self, chosen: Chosen | None) -> None:
        self._stop()
        self._conversation = Conversation(chosen)
        self._fresh()
        self._offer_actions()

    def _fresh(self) -> None:
        """A window without a talk in it."""
        self._changes = None
        self._progress.rest()
        self._view.answer.clear()
        self._view.offer()
        self._view.hint(say("popup.ask-here"))

    def _offer_buttons(self) -> None:
        if not self._conversation.turns and self._view.answer.is_empty:
            self._view.offer()
            return
        names = ["notebook", "new"]
        if self._conversation.last_answer:
            chosen = self._conversation.selection
            names += ["copy"] + (["insert"] if chosen is not None and chosen.can_insert else [])
        if self._changes is not None:
            names.append("changes")
        self._view.offer(*names)
        self._view.hint(say("popup.ask-on" if self._conversation.turns else "popup.ask-here"))

    def _offer_actions(self) -> None:
        chosen = self._conversation.selection
        if chosen is None or not chosen.text.strip():
            self._view.chips.clear()
            return
        actions = [
            (prompt.title(language()), _calling(self.act, number))
            for number, prompt in enumerate(self._actions[:_ACTIONS])
        ]
        note = say("popup.cut") if chosen.cut else ""
        self._view.chips.show(chosen.text, note, self._drop_selection, actions)
        if not self._conversation.turns:
            self._view.hint(say("popup.ask-about"))

    def _drop_selection(self) -> None:
        """Left out, it is neither sent nor replaced."""
        self._conversation.selection = None
        self._offer_actions()
        self._offer_buttons()
        self._view.field.focus_set()

    # -- what is known

    def _learn(self, facts: Facts) -> None:
        self._progress.trouble(facts.error)
        if facts.error is None:
            self._progress.outlook = waiting.read_outlook(facts.status, facts.reading_rate)
            self._settings = facts.settings
            self._keeper.allow(facts.settings.get("history.keep") is True)
            self._remember()
            self.dress(self._dark)
            actions = read_actions(facts.presets)
            if actions and actions != self._actions:
                self._actions = actions
                self._offer_actions()
        if self._visible:
            self._view.say(self._progress.sentence(time.monotonic()))

    def dress(self, dark: bool | None) -> None:
        """Follow the desktop, unless the settings say which it is to be."""
        self._dark = dark
        wanted = str(self._settings.get("popup.theme"))
        if self._looks.choose(dark={"light": False, "dark": True}.get(wanted, dark is True)):
            self._view.paint()

    def _remember(self) -> None:
        under_way = self._conversation.under_way
        asked = under_way.typed if under_way is not None and not under_way.answer else ""
        self._keeper.save(self._history.questions, self._view.typed or asked)

    def _tick(self) -> None:
        """Keeps the line below the field true while the user waits."""
        if self._visible:
            self._view.say(self._progress.sentence(time.monotonic()))
            if self._number is not None:
                if self._timer:
                    self._root.after_cancel(self._timer)
                self._timer = self._root.after(round(_TICK_SECONDS * 1000), self._tick)


def _calling(work: Callable[[int], None], number: int) -> Callable[[], None]:
    return lambda: work(number)
