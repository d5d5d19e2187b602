"""The moments at which the engine's working space is fullest, by architecture. Pure.

The engine reuses one buffer for all of a batch's tensors, so it is as large as what is alive
at the fullest moment: in the feed-forward part, or where a layer mixes tokens. What is alive
was found by changing one measure at a time and asking the engine (llama.cpp of
llama-cpp-python 0.3.36); `bench.py fit --memory` checks it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.gguf import Header

# Architectures whose moments are known and checked; others are guessed at with room to spare.
PLAIN = frozenset(
    {"llama", "gemma3", "qwen2", "qwen3", "qwen3moe", "smollm3", "mistral3", "minicpm", "internlm2"}
)
FITTED = PLAIN | {"deepseek2", "qwen35", "lfm2", "mamba"}


@dataclass(frozen=True)
class Steps:
    """Numbers (of 4 bytes) alive at the fullest moments.

    feed, mix: for every token of a batch, in feed-forward and in mixing; mix_answer: there,
    for every answer at a time. room, state: states of all answers go where a tensor of `room`
    for every token was, if they fit there; else they are held twice. beside: held for every
    token unless such states leave a place for it. is_known: this architecture was checked.
    """

    feed: int
    mix: int = 0
    mix_answer: int = 0
    room: int = 0
    state: int = 0
    beside: int = 0
    is_known: bool = False

    def widest(self, tokens: int, answers: int, turned: int = 0) -> int:
        """Numbers alive at the fullest moment of a batch. turned: queries not held."""
        mix = tokens * self.mix + answers * self.mix_answer
        room, states = tokens * self.room, answers * self.state
        mix += room if states <= room else 2 * states
        mix += tokens * self.beside if states <= 2 * room else 0
        return max(tokens * (self.feed - turned), mix)


def read_steps(header: Header, state_numbers: int) -> Steps:
    """The moments of a model whose recurrent layers (if any) keep `state_numbers` each."""
    whole = header.own_whole
    architecture = header.architecture or ""
    width = whole("embedding_length") or 0
    heads = max(_per_layer(header, "attention.head_count"))
    feed = 3 * width + feed_forward_numbers(header)
    key = whole("attention.key_length") or (width // heads if heads else 0)
    if architecture == "deepseek2" and whole("attention.key_length_mla"):
        latent, turned = whole("attention.kv_lora_rank") or 0, whole("rope.dimension_count") or 0
        plain = max(0, (whole("attention.key_length_mla") or 0) - turned)
        # The query, its part turned by position, the same in latent form, and both joined.
        mix = heads * (2 * latent + 3 * turned + plain) + 5 * width
        held = heads * (whole("attention.value_length_mla") or 0)
        return Steps(feed + held, mix, is_known=True)
    inner, groups = whole("ssm.inner_size") or 0, whole("ssm.group_count") or 0
    if architecture == "qwen35":
        size = whole("ssm.state_size") or 0
        channels = inner + 2 * groups * size
        # Keys for every value head of their own are not repeated, but held beside.
        beside = inner if groups == whole("ssm.time_step_rank") else 0
        return Steps(
            feed,
            3 * width + 2 * channels + inner,
            2 * max(0, state_numbers - size * inner),
            room=inner,
            state=size * inner,
            beside=beside,
            is_known=True,
        )
    if architecture == "lfm2":
        return Steps(feed, 7 * width, 3 * state_numbers, is_known=True)
    if architecture == "mamba":
        moving = max(0, (whole("ssm.conv_kernel") or 0) - 1) * inner
        return Steps(feed, width + 6 * inner, state_numbers + moving, is_known=True)
    return Steps(feed + heads * key, is_known=architecture in PLAIN)


def feed_forward_numbers(header: Header) -> int:
    """Numbers alive for a token in the feed-forward part: gate, up and their product."""
    dense = 3 * max(_per_layer(header, "feed_forward_length"))
    used = header.own_whole("expert_used_count") or 0
    if not used:
        return dense
    width = header.own_whole("embedding_length") or 0
    expert = header.own_whole("expert_feed_forward_length") or dense // 3
    experts = 3 * used * expert
    if width > 2 * expert:  # what the experts give finds no room where gate and up were
        experts += used * width
    # With experts in every layer there is no dense part beside them.
    has_dense = any(tensor.name.endswith(".ffn_down.weight") for tensor in header.tensors)
    return max(experts, dense if has_dense else 0)


def _per_layer(header: Header, name: str) -> tuple[int, ...]:
    return header.per_layer(name, header.own_whole("block_count") or 0) or (0,)
