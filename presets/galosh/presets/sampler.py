"""A sampler preset out of the words of four programs. Pure.

text-generation-webui, KoboldCpp and SillyTavern write the same samplers under different
names and switch them off by different values; `TABLE` says how each is read. A key nobody
here can honour is kept by name (`unknown`) where its value would have changed anything, so
that it can be told; nothing is dropped in silence and nothing out of bounds gets through.
Only the order in which samplers run is ours, whatever a file says.

Sources of the names: text-generation-webui `modules/presets.py`, KoboldCpp's saved stories
(their `savedsettings`) and KoboldAI's presets, SillyTavern's text-completion presets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from galosh.base.errors import GaloshError

Number = float | int
Value = Number | tuple[str, ...]
# What the worker accepts, the lowest and the highest; requests are held to the same.
NUMBER_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "dynatemp_range": (0, 5),
    "dynatemp_exponent": (0, 10),
    "top_n_sigma": (-1, 100),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "typical_p": (0, 1),
    "repeat_penalty": (0.1, 10),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "dry_multiplier": (0, 100),
    "dry_base": (1, 10),
    "xtc_probability": (0, 1),
    "xtc_threshold": (0, 1),
    "mirostat_tau": (0, 100),
    "mirostat_eta": (0, 1),
}
WHOLE_BOUNDS: Mapping[str, tuple[int, int]] = {
    "top_k": (-1, 1_000_000),
    "repeat_last_n": (-1, 1_048_576),
    "dry_allowed_length": (1, 1024),
    "dry_penalty_last_n": (-1, 1_048_576),
    "mirostat": (0, 2),
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    **NUMBER_BOUNDS,
    **WHOLE_BOUNDS,
    "seed": (-1, 2**32 - 1),
}
# What a file that says nothing about a sampler means: it is off.
NEUTRAL: Mapping[str, Number] = {
    "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0,
    "repeat_penalty": 1.0, "repeat_last_n": 1024,
}  # fmt: skip
# Every name by which some program calls one of ours.
TABLE: Mapping[str, str] = {
    **{name: name for name in BOUNDS},
    "temp": "temperature",
    "typical": "typical_p",
    "repetition_penalty": "repeat_penalty",
    "rep_pen": "repeat_penalty",
    "repetition_penalty_range": "repeat_last_n",
    "rep_pen_range": "repeat_last_n",
    "repeat_penalty_last_n": "repeat_last_n",
    "penalty_last_n": "repeat_last_n",
    "freq_pen": "frequency_penalty",
    "presence_pen": "presence_penalty",
    "pres_pen": "presence_penalty",
    "mirostat_mode": "mirostat",
    "dry_range": "dry_penalty_last_n",
    "nsigma": "top_n_sigma",
    "sampler_seed": "seed",
    "miro_type": "mirostat",
    "miro_tau": "mirostat_tau",
    "miro_eta": "mirostat_eta",
}
BREAKERS = "dry_sequence_breakers"
_MOST_BREAKERS, _BREAKER_BYTES = 16, 40
# Our own: penalties look back on a conversation's answer alone, so that what the user gave to
# be corrected or translated may be repeated.
SCOPE = "penalize_prompt"
# Zeros that other programs write for "off" or "everything", as ours would read them.
_OFF: Mapping[str, Callable[[Number], Number]] = {
    "typical_p": lambda value: value or 1.0,
    "top_p": lambda value: value or 1.0,
    "repeat_last_n": lambda value: value or -1,  # the whole context
    "dry_penalty_last_n": lambda value: value or -1,
}
# Keys that say nothing about choosing tokens (), or whose value here changes nothing.
_SILENT: Mapping[str, tuple[object, ...]] = {
    "name": (), "title": (), "preset": (), "description": (), "genamt": (), "max_length": (),
    "max_new_tokens": (), "max_context_length": (), "streaming_kobold": (), "rep_pen_size": (),
    "sampler_order": (), "samplers": (), "sampler_priority": (), "sampler_priorities": (),
    "samplers_priorities": (), "temperature_last": (True,), "add_bos_token": (True,),
    "do_sample": (True, False), "encoder_repetition_penalty": (1, 0),
    "encoder_rep_pen": (1, 0), "no_repeat_ngram_size": (0,), "single_line": (False,),
    "min_length": (0,), "num_beams": (1,), "penalty_alpha": (0,), "length_penalty": (1,),
    "early_stopping": (False,), "guidance_scale": (1,), "negative_prompt": ("",), "tfs": (1,),
    "top_a": (0,), "epsilon_cutoff": (0,), "eta_cutoff": (0,), "smoothing_factor": (0,),
    "smoothing_curve": (1,), "dynatemp": (), "dynamic_temperature": (),
    "dynatemp_low": (), "dynatemp_high": (), "min_temp": (), "max_temp": (),
    "ban_eos_token": (False,), "adaptive_target": (0,), "adaptive_decay": (), "min_keep": (0,),
    "grammar_string": ("",), "banned_tokens": ("", []), "logit_bias": ([], {}),
    "spaces_between_special_tokens": (), "speculative_ngram": (False,), "extensions": (),
    "global_banned_tokens": ("",), "send_banned_tokens": (), "include_reasoning": (),
    "ignore_eos_token": (False,), "skip_special_tokens": (True,), "truncation_length": (),
    "rep_pen_slope": (0, 1), "rep_pen_decay": (0,), "use_default_badwordsids": (False, True),
    "grammar": ("",), "json_schema": ({}, None), "negative_guidance": (1,), "skew": (0,),
}  # fmt: skip
# What a key means only where this one of ours is not at its neutral value.
_ONLY_WITH = {"rep_pen_slope": "repeat_penalty", "temperature_last": "temperature"}


@dataclass(frozen=True)
class SamplerPreset:
    """How tokens are chosen. sampling: our names, with everything the file leaves off.

    unknown: keys of the file that would change something and cannot be honoured.
    """

    name: str
    sampling: Mapping[str, Value]
    titles: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    own: bool = False

    def title(self, tongue: str) -> str:
        """Its name for a reader, in `ru` or English."""
        return self.titles.get(tongue) or self.titles.get("en") or self.name

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "name": self.name,
            "titles": dict(self.titles),
            "sampling": dict(self.sampling),
            "unknown": list(self.unknown),
            "own": self.own,
        }


def read_sampler(
    name: str, data: Mapping[object, object], origin: str, *, own: bool = False
) -> SamplerPreset:
    """The preset in a parsed YAML or JSON file.

    Raises GaloshError `presets-value-wrong` naming the key, what it holds and its bounds.
    """
    data = _without_story(data)
    sampling: dict[str, Number] = dict(NEUTRAL)
    unknown = []
    for key, value in data.items():
        word = str(key)
        ours = TABLE.get(word)
        if ours is not None and value is not None:
            sampling[ours] = _number(ours, word, value, origin)
        elif ours is None and not _says_nothing(word, value):
            unknown.append(word)
    if data.get("do_sample") is False:
        sampling["temperature"] = 0
    sampling |= _dynamic_temperature(data, origin)
    for ours, translate in _OFF.items():
        if ours in sampling:
            sampling[ours] = translate(sampling[ours])
    if sampling.get("seed") == -1:
        del sampling["seed"]  # theirs for "another one each time"
    pointless = {word for word, ours in _ONLY_WITH.items() if sampling[ours] == NEUTRAL[ours]}
    unknown = [word for word in unknown if word not in pointless]
    breakers = _breakers(data.get(BREAKERS))
    if breakers is None:
        unknown.append(BREAKERS)
    whole: dict[str, Value] = {**sampling, **({BREAKERS: breakers} if breakers else {})}
    if data.get(SCOPE) is False:
        whole[SCOPE] = False
    titles = {
        tongue: str(data[f"title{ending}"])
        for tongue, ending in (("en", ""), ("ru", "_ru"))
        if data.get(f"title{ending}")
    }
    return SamplerPreset(name, whole, titles, tuple(unknown), own)


def _without_story(data: Mapping[object, object]) -> Mapping[object, object]:
    """Of a story saved by KoboldCpp's page only what chooses tokens."""
    settings = data.get("savedsettings")
    if not isinstance(settings, Mapping):
        return data
    return {
        key: value
        for key, value in settings.items()
        if key in TABLE or key in _SILENT or key == BREAKERS
    }


def _breakers(value: object) -> tuple[str, ...] | None:
    """Texts behind which DRY begins anew; empty: ours, None: not to be understood. A list, or
    JSON in a text, with or without its brackets."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = json.loads(text if text.startswith("[") else f"[{text}]")
        except ValueError:
            return None
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST_BREAKERS:
        return None
    texts = [one for one in value if isinstance(one, str) and "\0" not in one]
    sizes = [len(one.encode("utf-8", "replace")) for one in texts]
    right = len(texts) == len(value) and all(1 <= size <= _BREAKER_BYTES for size in sizes)
    return tuple(texts) if right else None


def _dynamic_temperature(data: Mapping[object, object], origin: str) -> dict[str, Number]:
    """Other programs name the two ends; ours is a middle and what lies to its sides."""
    for switch, lowest, highest in (
        ("dynamic_temperature", "dynatemp_low", "dynatemp_high"),
        ("dynatemp", "min_temp", "max_temp"),
    ):
        if data.get(switch) is True:
            low = _number("temperature", lowest, data.get(lowest, 1), origin)
            high = _number("temperature", highest, data.get(highest, 1), origin)
            return {"temperature": (low + high) / 2, "dynatemp_range": abs(high - low) / 2}
    return {}


def _says_nothing(word: str, value: object) -> bool:
    if value is None or word in ("title_ru", BREAKERS, SCOPE):
        return True
    if word not in _SILENT:
        return False
    harmless = _SILENT[word]
    return not harmless or any(value == one for one in harmless)


def _number(ours: str, word: str, value: object, origin: str) -> Number:
    low, high = BOUNDS[ours]
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if right and isinstance(value, (int, float)) and math.isfinite(value) and low <= value <= high:
        return float(value) if ours in NUMBER_BOUNDS else int(value)
    raise GaloshError(
        "presets-value-wrong",
        path=origin, key=word, value=ascii(value)[:40], low=f"{low:g}", high=f"{high:g}",
    )  # fmt: skip
