"""The models that the forecast of memory is measured on: synthetic shapes and published cases.

Owns their dimensions and where each published number comes from. All are written by our own
writer (`tests/fakes/gguf_writer`): for published cases only the header, with the weights a
hole. Never used by galosh itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from galosh.fit import RunSettings
from tests.fakes import gguf_models as models
from tests.fakes.gguf_writer import Model

GIB = 1 << 30
MIB = 1 << 20

# One for each way of keeping a conversation, and two with proportions of well-known models.
SYNTHETIC: Mapping[str, Model] = {
    "plain": models.llama(3, 512, 8, 2, 1408, 4000, 32768),
    "MoE": models.llama(2, 512, 8, 2, 768, 4000, 32768, experts=8, used=2),
    "MoE-narrow": models.llama(2, 2048, 32, 4, 768, 4000, 32768, experts=16, used=8),
    "SWA": models.gemma3(7, 640, 4, 1, 256, 2048, 4000, 32768, 512),
    "MLA": models.deepseek2(3, 512, 8, 256, 256, 64, 128, 128, 1024, 4, 2, 256, 4000, 32768),
    "MLA-large": models.deepseek2(
        3, 2048, 16, 512, 512, 64, 128, 128, 4096, 64, 6, 1408, 4000, 32768
    ),
    "hybrid-delta": models.qwen35(8, 512, 4, 2, 128, 1024, 64, 8, 4, 4, 4000, 32768),
    "hybrid-delta-large": models.qwen35(
        8, 2560, 16, 4, 256, 9216, 128, 32, 16, 4, 4000, 32768
    ),
    "hybrid-delta-small": models.qwen35(4, 1024, 8, 2, 256, 3584, 128, 16, 16, 4, 4000, 32768),
    "hybrid-conv": models.lfm2((0, 0, 4, 0, 4), 512, 8, 1024, 3, 4000, 32768),
    "recurrent": models.mamba(3, 512, 1024, 16, 4, 32, 4000, 32768),
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """A cache that others published. wrong_bytes: what the tool of the day said instead.

    state_bytes: the recurrent part, where it is known as well. loads: the header is complete
    enough for the engine to be asked too. within: how exact the published figure is.
    """

    name: str
    source: str
    model: Model
    settings: RunSettings
    cache_bytes: int
    wrong_bytes: int | None
    state_bytes: int | None = None
    loads: bool = True
    within: float = 0.02


def _qwen_27b() -> Model:
    """64 layers, every fourth attends: 4 groups of 256; 48 value heads of 128, 16 key heads."""
    return models.qwen35(64, 5120, 24, 4, 256, 17408, 128, 48, 16, 4, 320, 262144)


# Dimensions from the models' config.json as the named threads and model pages quote them.
PUBLISHED = (
    Published(
        "Gemma-3-27B at 131072", "unslothai/unsloth#4757",
        models.gemma3(62, 5376, 32, 16, 128, 21504, 320, 131072, 1024, "Q4_K"),
        RunSettings(131072), int(10.41 * GIB), int(81.38 * GIB),
    ),
    Published(
        "Qwen3.5-27B at 262144", "unslothai/unsloth#4757",
        _qwen_27b(), RunSettings(262144), 16 * GIB, int(53.25 * GIB),
    ),
    Published(
        "Qwen3.6-27B at 262144, 4 answers", "lmstudio-ai/lmstudio-bug-tracker#1862",
        _qwen_27b(), RunSettings(262144, sequences=4), 16384 * MIB, None, int(598.5 * MIB),
    ),
    # Both totals (22.92 estimated, "closer to 11.5" used) hold the same weights, whose
    # quantisation is not said; their difference is the cache of the 24 layers that keep none.
    Published(
        "Qwen3.5-9B at 110000", "lmstudio-ai/lmstudio-bug-tracker#1631 (22.92 against 11.5 GB)",
        models.qwen35(32, 4096, 16, 4, 256, 12288, 128, 32, 16, 4, 320, 262144),
        RunSettings(110000), int(11.42e9 / 3), int(11.42e9 / 3 * 4), within=0.1,
    ),
    Published(
        "DeepSeek-V3.1 at 163840", "unslothai/unsloth#4757",
        models.deepseek2(61, 7168, 128, 1536, 512, 64, 128, 128, 18432, 256, 8, 2048, 320, 163840),
        RunSettings(163840), int(10.72 * GIB), int(2.08 * GIB),
    ),
    Published(
        "Qwen3.6-35B-A3B at 262144", "gpustack/gguf-parser-go#28 (four times over)",
        models.renamed(
            models.qwen35(40, 2048, 16, 2, 256, 512, 128, 32, 16, 4, 320, 262144), "qwen35moe"
        ),
        RunSettings(262144), 5 * GIB, 20 * GIB, loads=False,
    ),
    Published(
        "LFM2-1.2B at 32768", "gpustack/gguf-parser-go#31 (none at all)",
        models.lfm2(
            [0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0], 2048, 32, 8192, 3, 320, 128000
        ),
        RunSettings(32768), 384 * MIB, 0,
    ),
)  # fmt: skip
