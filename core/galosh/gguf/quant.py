"""The tensor types of ggml: their names and how many bytes a block of weights takes.

Pure tables, checked against the engine's own `ggml_type_size` in the tests. An id that
is not here is unknown: nothing may be predicted from it.
"""

from __future__ import annotations

from typing import NamedTuple


class TensorType(NamedTuple):
    """One way of storing weights: `block_bytes` hold `block_weights` of them."""

    name: str
    block_bytes: int
    block_weights: int


TENSOR_TYPES: dict[int, TensorType] = {
    0: TensorType("F32", 4, 1),
    1: TensorType("F16", 2, 1),
    2: TensorType("Q4_0", 18, 32),
    3: TensorType("Q4_1", 20, 32),
    6: TensorType("Q5_0", 22, 32),
    7: TensorType("Q5_1", 24, 32),
    8: TensorType("Q8_0", 34, 32),
    9: TensorType("Q8_1", 36, 32),
    10: TensorType("Q2_K", 84, 256),
    11: TensorType("Q3_K", 110, 256),
    12: TensorType("Q4_K", 144, 256),
    13: TensorType("Q5_K", 176, 256),
    14: TensorType("Q6_K", 210, 256),
    15: TensorType("Q8_K", 292, 256),
    16: TensorType("IQ2_XXS", 66, 256),
    17: TensorType("IQ2_XS", 74, 256),
    18: TensorType("IQ3_XXS", 98, 256),
    19: TensorType("IQ1_S", 50, 256),
    20: TensorType("IQ4_NL", 18, 32),
    21: TensorType("IQ3_S", 110, 256),
    22: TensorType("IQ2_S", 82, 256),
    23: TensorType("IQ4_XS", 136, 256),
    24: TensorType("I8", 1, 1),
    25: TensorType("I16", 2, 1),
    26: TensorType("I32", 4, 1),
    27: TensorType("I64", 8, 1),
    28: TensorType("F64", 8, 1),
    29: TensorType("IQ1_M", 56, 256),
    30: TensorType("BF16", 2, 1),
    34: TensorType("TQ1_0", 54, 256),
    35: TensorType("TQ2_0", 66, 256),
    39: TensorType("MXFP4", 17, 32),
    40: TensorType("NVFP4", 36, 64),
    41: TensorType("Q1_0", 18, 128),
    42: TensorType("Q2_0", 18, 64),
}

# Ids the engine once knew and dropped: such files need a newer conversion.
REMOVED_TYPES: dict[int, str] = {
    4: "Q4_2",
    5: "Q4_3",
    31: "Q4_0_4_4",
    32: "Q4_0_4_8",
    33: "Q4_0_8_8",
    36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}

# `general.file_type`: the quantisation a whole file was made with.
FILE_TYPES: dict[int, str] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    4: "Q4_1 (some F16)",
    5: "Q4_2",
    6: "Q4_3",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    33: "Q4_0_4_4",
    34: "Q4_0_4_8",
    35: "Q4_0_8_8",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}


def row_bytes(type_id: int, weights: int) -> int | None:
    """Bytes of one row of `weights`; None for an unknown type or a row of broken blocks."""
    known = TENSOR_TYPES.get(type_id)
    if known is None or weights % known.block_weights:
        return None
    return weights // known.block_weights * known.block_bytes


def type_name(type_id: int) -> str | None:
    """The name of a type id, dropped ones included; None when nobody knows it."""
    known = TENSOR_TYPES.get(type_id)
    return known.name if known else REMOVED_TYPES.get(type_id)
