"""``functional.multi_head_attention_forward`` in steps that have rules: torch's own hides its linear layers."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from taskzoo.fisher.layers import NoRuleError


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as torch does in evaluation mode, with the sample axis brought to the front.

    Args:
        query: [T, N, E].
        key: [S, N, E].
        value: [S, N, E].
        embed_dim_to_check: E.
        num_heads: H.
        in_proj_weight: [3 E, E], or None.
        in_proj_bias: [3 E], or None.
        bias_k: Must be None.
        bias_v: Must be None.
        add_zero_attn: Must be false.
        dropout_p: Not used in evaluation mode.
        out_proj_weight: [E, E].
        out_proj_bias: [E], or None.
        training: Must be false.
        key_padding_mask: [N, S], true where a key is left out, or added to the scores.
        need_weights: Whether the attention is returned too.
        attn_mask: [T, S] or [N H, T, S], likewise.
        use_separate_proj_weight: Whether the three weights are separate.
        q_proj_weight: [E, E].
        k_proj_weight: [E, Ek].
        v_proj_weight: [E, Ev].
        **others: Further arguments of torch's function.

    Returns:
        Output [T, N, E], and attention [N, T, S], or [N, H, T, S] unless averaged; or None.

    Raises:
        NoRuleError: For arguments that are seldom used.
    """
    seldom = (bias_k, bias_v, others.get("static_k"), others.get("static_v"))
    if training or add_zero_attn or query.dim() != 3 or any(each is not None for each in seldom):
        raise NoRuleError("attention of an unusual form")
    q, k, v = (each.transpose(0, 1) for each in (query, key, value))
    if use_separate_proj_weight:
        biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        weights: Any = (q_proj_weight, k_proj_weight, v_proj_weight)
    elif query is key and key is value:
        q, k, v = functional.linear(q, in_proj_weight, in_proj_bias).chunk(3, -1)  # type: ignore[arg-type]
        weights = None
    else:
        weights, biases = in_proj_weight.chunk(3), (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)  # type: ignore[union-attr]
    if weights is not None:
        q, k, v = (functional.linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
    heads = [each.reshape(*each.shape[:2], num_heads, -1).transpose(1, 2) for each in (q, k, v)]
    scores = heads[0] @ heads[1].mT / math.sqrt(embed_dim_to_check // num_heads)
    for mask in _masks(attn_mask, key_padding_mask, num_heads):
        scores = scores.masked_fill(mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    weight = scores.softmax(-1)
    mixed = (weight @ heads[2]).transpose(1, 2).flatten(2)
    out = functional.linear(mixed, out_proj_weight, out_proj_bias).transpose(0, 1)
    if not need_weights:
        return out, None
    return out, weight.mean(1) if others.get("average_attn_weights", True) else weight


def _masks(attn_mask: Tensor | None, key_padding_mask: Tensor | None, heads: int) -> list[Tensor]:
    """Return the masks in shapes that meet scores [N, H, T, S]."""
    masks = []
    if attn_mask is not None:
        masks.append(attn_mask.view(-1, heads, *attn_mask.shape[1:]) if attn_mask.dim() == 3 else attn_mask)
    if key_padding_mask is not None:
        masks.append(key_padding_mask[:, None, None, :])
    return masks
