"""Tiny models of real architectures, made by our own writer: random, but loadable.

Each function gives a `Model`; sizes are arguments so that the same shape can be a few
kilobytes or, as a sparse file, many gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.gguf_writer import Model, Tensor, vocabulary

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n"
    "{% endfor %}<|assistant|>"
)


def _general(
    architecture: str, layers: int, width: int, context: int, vocab: int, **own: object
) -> dict[str, object]:
    metadata: dict[str, object] = {
        "general.architecture": architecture,
        "general.name": f"Tiny {architecture}",
        "general.file_type": 0,
        f"{architecture}.block_count": layers,
        f"{architecture}.context_length": context,
        f"{architecture}.embedding_length": width,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
    }
    metadata |= {f"{architecture}.{key.replace('__', '.')}": v for key, v in own.items()}
    return {**metadata, **vocabulary(vocab), "tokenizer.chat_template": TEMPLATE}


def _attention(i: int, width: int, heads: int, groups: int, head: int, kind: str) -> list[Tensor]:
    return [
        Tensor(f"blk.{i}.attn_q.weight", (width, heads * head), kind),
        Tensor(f"blk.{i}.attn_k.weight", (width, groups * head), kind),
        Tensor(f"blk.{i}.attn_v.weight", (width, groups * head), kind),
        Tensor(f"blk.{i}.attn_output.weight", (heads * head, width), kind),
    ]


def _norms(i: int, names: Sequence[str], size: int) -> list[Tensor]:
    return [Tensor(f"blk.{i}.{name}.weight", (size,)) for name in names]


def _dense(i: int, width: int, ff: int, kind: str, ending: str = "") -> list[Tensor]:
    return [
        Tensor(f"blk.{i}.ffn_gate{ending}.weight", (width, ff), kind),
        Tensor(f"blk.{i}.ffn_down{ending}.weight", (ff, width), kind),
        Tensor(f"blk.{i}.ffn_up{ending}.weight", (width, ff), kind),
    ]


def _experts(i: int, width: int, ff: int, count: int, kind: str) -> list[Tensor]:
    return [
        Tensor(f"blk.{i}.ffn_gate_inp.weight", (width, count)),
        Tensor(f"blk.{i}.ffn_gate_exps.weight", (width, ff, count), kind),
        Tensor(f"blk.{i}.ffn_down_exps.weight", (ff, width, count), kind),
        Tensor(f"blk.{i}.ffn_up_exps.weight", (width, ff, count), kind),
    ]


def _ends(width: int, vocab: int, kind: str, *, tied: bool = False) -> list[Tensor]:
    ends = [Tensor("token_embd.weight", (width, vocab), kind)]
    ends.append(Tensor("output_norm.weight", (width,)))
    return ends if tied else [*ends, Tensor("output.weight", (width, vocab), kind)]


def llama(
    layers: int = 2, width: int = 64, heads: int = 4, groups: int = 2, ff: int = 128,
    vocab: int = 320, context: int = 512, kind: str = "F32", experts: int = 0, used: int = 0,
) -> Model:  # fmt: skip
    """The plain shape; with `experts` the Mixtral shape."""
    head = width // heads
    metadata = _general(
        "llama", layers, width, context, vocab,
        feed_forward_length=ff, attention__head_count=heads, attention__head_count_kv=groups,
        rope__dimension_count=head, rope__freq_base=10000.0, vocab_size=vocab,
        **({"expert_count": experts, "expert_used_count": used} if experts else {}),
    )  # fmt: skip
    tensors = _ends(width, vocab, kind)
    for i in range(layers):
        tensors += _norms(i, ("attn_norm", "ffn_norm"), width)
        tensors += _attention(i, width, heads, groups, head, kind)
        tensors += _experts(i, width, ff, experts, kind) if experts else _dense(i, width, ff, kind)
    return Model(metadata, tensors)


def moe(kind: str = "F32", experts: int = 4, used: int = 2, layers: int = 2) -> Model:
    """A mixture of experts."""
    return llama(kind=kind, experts=experts, used=used, layers=layers)


def renamed(model: Model, architecture: str) -> Model:
    """The same model under the name of another architecture."""
    old = str(model.metadata["general.architecture"])
    metadata = {
        key.replace(f"{old}.", f"{architecture}.", 1) if key.startswith(f"{old}.") else key: value
        for key, value in model.metadata.items()
    }
    return Model({**metadata, "general.architecture": architecture}, list(model.tensors))


def qwen3(plain: Model) -> Model:
    """A `llama` model as qwen3 or, with experts, qwen3moe: queries and keys are normed."""
    experts = "llama.expert_count" in plain.metadata
    model = renamed(plain, "qwen3moe" if experts else "qwen3")
    if experts:
        ff = model.metadata["qwen3moe.feed_forward_length"]
        model.metadata["qwen3moe.expert_feed_forward_length"] = ff
    head = next(t.dims[1] for t in plain.tensors if t.name == "blk.0.attn_q.weight")
    head //= int(str(plain.metadata["llama.attention.head_count"]))
    for i in range(int(str(plain.metadata["llama.block_count"]))):
        model.tensors += _norms(i, ("attn_q_norm", "attn_k_norm"), head)
    return model


def gemma3(
    layers: int = 6, width: int = 64, heads: int = 4, groups: int = 1, head: int = 32,
    ff: int = 128, vocab: int = 320, context: int = 2048, window: int = 128, kind: str = "F32",
) -> Model:  # fmt: skip
    """Sliding windows on five layers of six; output tied to the embedding."""
    metadata = _general(
        "gemma3", layers, width, context, vocab,
        feed_forward_length=ff, attention__head_count=heads, attention__head_count_kv=groups,
        attention__key_length=head, attention__value_length=head,
        attention__sliding_window=window, rope__freq_base=1_000_000.0,
    )  # fmt: skip
    tensors = _ends(width, vocab, kind, tied=True)
    names = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
    for i in range(layers):
        tensors += _norms(i, names, width) + _norms(i, ("attn_q_norm", "attn_k_norm"), head)
        tensors += _attention(i, width, heads, groups, head, kind) + _dense(i, width, ff, kind)
    return Model(metadata, tensors)


def mamba(
    layers: int = 2, width: int = 64, inner: int = 128, state: int = 16, conv: int = 4,
    rank: int = 4, vocab: int = 320, context: int = 2048,
) -> Model:  # fmt: skip
    """A recurrent model without attention."""
    metadata = _general(
        "mamba", layers, width, context, vocab,
        feed_forward_length=0, attention__head_count=0, ssm__conv_kernel=conv,
        ssm__inner_size=inner, ssm__state_size=state, ssm__time_step_rank=rank,
    )  # fmt: skip
    tensors = _ends(width, vocab, "F32", tied=True)
    for i in range(layers):
        tensors += _norms(i, ("attn_norm",), width)
        tensors += [
            Tensor(f"blk.{i}.ssm_in.weight", (width, 2 * inner)),
            Tensor(f"blk.{i}.ssm_conv1d.weight", (conv, inner)),
            Tensor(f"blk.{i}.ssm_conv1d.bias", (inner,)),
            Tensor(f"blk.{i}.ssm_x.weight", (inner, rank + 2 * state)),
            Tensor(f"blk.{i}.ssm_dt.weight", (rank, inner)),
            Tensor(f"blk.{i}.ssm_dt.bias", (inner,)),
            Tensor(f"blk.{i}.ssm_a", (state, inner)),
            Tensor(f"blk.{i}.ssm_d", (inner,)),
            Tensor(f"blk.{i}.ssm_out.weight", (inner, width)),
        ]
    return Model(metadata, tensors)


def lfm2(
    groups: Sequence[int] = (0, 2), width: int = 64, heads: int = 4, ff: int = 128,
    cache: int = 3, vocab: int = 320, context: int = 2048,
) -> Model:  # fmt: skip
    """A hybrid: short convolutions where a layer's `groups` are 0, attention elsewhere."""
    head = width // heads
    metadata = _general(
        "lfm2", len(groups), width, context, vocab,
        feed_forward_length=ff, attention__head_count=heads,
        attention__head_count_kv=list(groups), shortconv__l_cache=cache,
        rope__freq_base=1_000_000.0, vocab_size=vocab,
    )  # fmt: skip
    tensors = [
        Tensor("token_embd.weight", (width, vocab)),
        Tensor("token_embd_norm.weight", (width,)),
    ]
    for i, group in enumerate(groups):
        tensors += _norms(i, ("attn_norm", "ffn_norm"), width) + _dense(i, width, ff, "F32")
        if group:
            tensors += _norms(i, ("attn_q_norm", "attn_k_norm"), head)
            tensors += _attention(i, width, heads, group, head, "F32")
        else:
            tensors += [
                Tensor(f"blk.{i}.shortconv.conv.weight", (cache, width)),
                Tensor(f"blk.{i}.shortconv.in_proj.weight", (width, 3 * width)),
                Tensor(f"blk.{i}.shortconv.out_proj.weight", (width, width)),
            ]
    return Model(metadata, tensors)


def qwen35(
    layers: int = 4, width: int = 64, heads: int = 4, groups: int = 2, head: int = 32,
    ff: int = 128, state: int = 16, value_heads: int = 4, key_heads: int = 2, conv: int = 4,
    vocab: int = 320, context: int = 2048,
) -> Model:  # fmt: skip
    """A hybrid: gated delta networks on three layers of four, attention on the fourth."""
    inner = state * value_heads
    metadata = _general(
        "qwen35", layers, width, context, vocab,
        feed_forward_length=ff, attention__head_count=heads, attention__head_count_kv=groups,
        attention__key_length=head, attention__value_length=head, ssm__conv_kernel=conv,
        ssm__inner_size=inner, ssm__state_size=state, ssm__time_step_rank=value_heads,
        ssm__group_count=key_heads, full_attention_interval=4, rope__freq_base=10_000_000.0,
        rope__dimension_count=8, rope__dimension_sections=[2, 1, 1, 0],
    )  # fmt: skip
    mixed = 2 * key_heads * state + inner
    tensors = _ends(width, vocab, "F32", tied=True)
    for i in range(layers):
        tensors += _norms(i, ("attn_norm", "post_attention_norm"), width)
        tensors += _dense(i, width, ff, "F32")
        if (i + 1) % 4 == 0:
            q, *rest = _attention(i, width, heads, groups, head, "F32")
            tensors += [Tensor(q.name, (width, 2 * heads * head)), *rest]
            tensors += _norms(i, ("attn_q_norm", "attn_k_norm"), head)
        else:
            tensors += [
                Tensor(f"blk.{i}.attn_qkv.weight", (width, mixed)),
                Tensor(f"blk.{i}.attn_gate.weight", (width, inner)),
                Tensor(f"blk.{i}.ssm_conv1d.weight", (conv, mixed)),
                Tensor(f"blk.{i}.ssm_dt.bias", (value_heads,)),
                Tensor(f"blk.{i}.ssm_a", (value_heads,)),
                Tensor(f"blk.{i}.ssm_beta.weight", (width, value_heads)),
                Tensor(f"blk.{i}.ssm_alpha.weight", (width, value_heads)),
                Tensor(f"blk.{i}.ssm_norm.weight", (state,)),
                Tensor(f"blk.{i}.ssm_out.weight", (inner, width)),
            ]
    return Model(metadata, tensors)


def deepseek2(
    layers: int = 3, width: int = 64, heads: int = 4, q_rank: int = 32, kv_rank: int = 32,
    rope: int = 16, nope: int = 32, value: int = 32, ff: int = 128, experts: int = 4,
    used: int = 2, expert_ff: int = 64, vocab: int = 320, context: int = 2048,
) -> Model:  # fmt: skip
    """Multi-head latent attention (MLA) with experts after one dense layer."""
    metadata = _general(
        "deepseek2", layers, width, context, vocab,
        feed_forward_length=ff, attention__head_count=heads, attention__head_count_kv=1,
        attention__q_lora_rank=q_rank, attention__kv_lora_rank=kv_rank,
        attention__key_length=kv_rank + rope, attention__value_length=kv_rank,
        attention__key_length_mla=nope + rope, attention__value_length_mla=value,
        rope__dimension_count=rope, rope__freq_base=10000.0, leading_dense_block_count=1,
        expert_count=experts, expert_used_count=used, expert_feed_forward_length=expert_ff,
        expert_shared_count=1, expert_weights_scale=1.0, vocab_size=vocab,
    )  # fmt: skip
    tensors = _ends(width, vocab, "F32")
    for i in range(layers):
        tensors += _norms(i, ("attn_norm", "ffn_norm"), width)
        tensors += _norms(i, ("attn_q_a_norm",), q_rank) + _norms(i, ("attn_kv_a_norm",), kv_rank)
        tensors += [
            Tensor(f"blk.{i}.attn_q_a.weight", (width, q_rank)),
            Tensor(f"blk.{i}.attn_q_b.weight", (q_rank, heads * (nope + rope))),
            Tensor(f"blk.{i}.attn_kv_a_mqa.weight", (width, kv_rank + rope)),
            Tensor(f"blk.{i}.attn_k_b.weight", (nope, kv_rank, heads)),
            Tensor(f"blk.{i}.attn_v_b.weight", (kv_rank, value, heads)),
            Tensor(f"blk.{i}.attn_output.weight", (heads * value, width)),
        ]
        if i == 0:
            tensors += _dense(i, width, ff, "F32")
        else:
            tensors += _experts(i, width, expert_ff, experts, "F32")
            tensors += _dense(i, width, expert_ff, "F32", "_shexp")
    return Model(metadata, tensors)
