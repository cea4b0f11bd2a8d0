"""One small member of every architecture family of timm, and more where a family's layers differ."""

import copy
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import timm
import torch
from timm.layers import BlurPool2d, EvoNorm2dS0, GatedMlp, GroupNormAct
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.byobnet import ByoBlockCfg
from timm.models.cspnet import CspStagesCfg, CspStemCfg
from timm.models.metaformer import Attention, LayerNorm2dNoBias, LayerNormNoBias, SepConv
from timm.models.mlp_mixer import Affine, ResBlock, SpatialGatingBlock
from timm.models.mvitv2 import MultiScaleVitCfg
from timm.models.selecsls import SelecSlsBlock
from timm.models.vision_transformer import ParallelScalingBlock
from timm.models.vision_transformer_relpos import ResPostRelPosBlock
from timm.models.vitamin import VitCfg, VitConvCfg
from torch import nn


@dataclass(frozen=True)
class Member:
    """A model, small enough for its exact Fisher diagonal in float64.

    Attributes:
        name: A registered model, or module.Class of timm.models where no registered model takes the options.
        size: Height and width of its images.
        options: Further arguments of its constructor.
        keep: How many of its feature levels are kept, by timm's own pruning; all, if none.
    """

    name: str
    size: int
    options: Mapping[str, object] = field(default_factory=dict)
    keep: int | None = None


def small(name: str, size: int, keep: int | None = None, **options: object) -> Member:
    """Return a member with the options as keywords."""
    return Member(name, size, options, keep)


def tokens(name: str, **options: object) -> Member:
    """Return a member that is two blocks over a grid of 4 x 4 tokens."""
    return Member(name, 32, {"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, **options})


BOTTLES = (
    ByoBlockCfg("bottle", d=1, c=32, s=1, gs=8, br=0.5),
    ByoBlockCfg("bottle", d=1, c=64, s=2, gs=8, br=0.5),
)

FAMILIES: dict[str, Member] = {
    "beit": tokens("beit_base_patch16_224", head_init_scale=1.0),
    "beit/shared": tokens(
        "beitv2_base_patch16_224",
        head_init_scale=1.0,
        use_abs_pos_emb=True,
        use_rel_pos_bias=False,
        use_shared_rel_pos_bias=True,
        swiglu_mlp=True,
        scale_mlp=True,
    ),
    "byoanet": small("lambda_resnet26t", 64, width_factor=0.25),
    "byoanet/bot": small("sebotnet33ts_256", 64, width_factor=0.25, img_size=64),
    "byoanet/halo": small(
        "eca_halonext26ts", 64, width_factor=0.25, self_attn_kwargs={"block_size": 2, "halo_size": 1}
    ),
    "byobnet": small("test_byobnet", 32),
    "byobnet/bat": small(
        "bat_resnext26ts", 32, blocks=BOTTLES, stem_chs=16, attn_kwargs={"block_size": 2, "groups": 4}
    ),
    "byobnet/clip": small("resnet50_clip", 64, blocks=BOTTLES, stem_chs=16, head_hidden_size=64, img_size=64),
    "byobnet/eca": small("eca_resnext26ts", 32, blocks=BOTTLES, stem_chs=16),
    "byobnet/gc": small("gcresnext26ts", 32, blocks=BOTTLES, stem_chs=16, attn_kwargs={"rd_channels": 8}),
    "byobnet/mobileone": small(
        "mobileone_s0",
        32,
        blocks=(
            ByoBlockCfg("one", d=1, c=16, gs=1, block_kwargs={"num_conv_branches": 2}),
            ByoBlockCfg("one", d=2, c=32, gs=0, block_kwargs={"num_conv_branches": 2}, attn_layer="se"),
        ),
        stem_chs=16,
    ),
    "byobnet/repvgg": small(
        "repvgg_a0",
        32,
        blocks=(ByoBlockCfg("rep", d=2, c=16, s=2), ByoBlockCfg("rep", d=2, c=32, s=2, gs=8)),
        stem_chs=16,
    ),
    "cait": small("cait_xxs24_224", 32, patch_size=8, embed_dim=32, depth=2, num_heads=4),
    "coat": small("coat_tiny", 32, embed_dims=(32,) * 4, serial_depths=(1,) * 4, parallel_depth=1),
    "convit": small("convit_tiny", 32, patch_size=8, embed_dim=8, depth=3, local_up_to_layer=2),
    "convmixer": small("convmixer.ConvMixer", 32, dim=32, depth=3, kernel_size=5, patch_size=4),
    "convnext": small("convnext_tiny", 32, depths=(1, 1, 2, 1), dims=(16, 24, 32, 48)),
    "convnext/grn": small("convnextv2_atto", 32, depths=(1, 1, 2, 1), dims=(16, 24, 32, 48)),
    "cpubone": small(
        "cpubone_nano", 64, width_list=(8, 16, 16, 24, 32), depth_list=(0, 1, 1, 1, 1), head_widths=(48, 64)
    ),
    "crossvit": small(
        "crossvit_tiny_240",
        32,
        patch_size=(4, 8),
        img_scale=(1.0, 0.75),
        embed_dim=(16, 32),
        depth=((1, 1, 0), (1, 1, 0)),
        num_heads=(2, 2),
    ),
    "csatv2": small("csatv2", 64, dims=(16, 24, 32, 48), depths=(1, 1, 2, 2), transformer_depths=(0, 0, 1, 1)),
    "cspnet": small(
        "cs3sedarknet_l",
        32,
        stem=CspStemCfg(out_chs=(8, 16), kernel_size=3, stride=2, pool=""),
        stages=CspStagesCfg(
            depth=(1, 1, 1),
            out_chs=(32, 48, 64),
            bottle_ratio=(0.5, 1.0, 1.0),
            block_ratio=(1.0, 0.5, 0.5),
            attn_layer="se",
            stage_type=("dark", "csp", "cs3"),
            block_type="dark",
        ),
    ),
    "cspnext": small("cspnext_tiny", 32, channels=(32, 64, 128, 256)),
    "davit": small(
        "davit_tiny", 64, depths=(1,) * 4, embed_dims=(16, 24, 32, 48), num_heads=(2, 2, 4, 4), window_size=4
    ),
    "deepseek_vit": small(
        "deepseek_vit_412m_align",
        48,
        img_size=48,
        patch_size=8,
        embed_dim=32,
        depth=2,
        num_heads=2,
        out_features=48,
    ),
    "deit": tokens("deit_tiny_distilled_patch16_224"),
    "densenet": small("densenet121", 32, growth_rate=8, block_config=(2, 2, 3, 2)),
    "dla": small("dla46x_c", 32),
    "dpn": small("dpn48b", 32, k_r=16, groups=4, k_sec=(1, 1, 2, 1), inc_sec=(4, 8, 8, 16)),
    "edgenext": small("edgenext_xx_small", 64, depths=(2,) * 4, dims=(8, 16, 24, 48)),
    "efficientformer": small(
        "efficientformer_l1",
        56,
        depths=(1, 1, 1, 2),
        embed_dims=(16, 32, 32, 32),
        downsamples=(False, True, False, False),
    ),
    "efficientformer_v2": small(
        "efficientformerv2_s0", 64, depths=(1, 1, 2, 2), embed_dims=(16, 24, 32, 48), num_vit=1, mlp_ratios=2.0
    ),
    "efficientnet": small("test_efficientnet", 32),
    "efficientnet/condconv": small(
        "efficientnet.EfficientNet",
        32,
        block_args=decode_arch_def(
            [["ds_r1_k3_s1_e1_c8_se0.25"], ["ir_r1_k3_s2_e4_c16_se0.25_cc4"], ["ir_r2_k3_s2_e4_c24_se0.25_cc4"]]
        ),
        num_features=64,
        stem_size=8,
    ),
    "efficientnet/evonorm": small("test_efficientnet_evos", 32),
    "efficientnet/mixed": small(
        "efficientnet.EfficientNet",
        32,
        block_args=decode_arch_def(
            [["ds_r1_k3_s1_e1_c8"], ["ir_r1_k3.5.7_a1.1_p1.1_s2_e4_c16"], ["er_r1_k3_s2_e4_c24"], ["cn_r1_k1_s1_c32"]]
        ),
        num_features=64,
        stem_size=8,
    ),
    "efficientvim": small("efficientvim_m1", 64, embed_dim=(16, 24, 32), depths=(1, 1, 1), state_dim=(9, 4, 4)),
    "efficientvit_mit": small(
        "efficientvit_b0", 64, widths=(8, 16, 16, 32, 48), depths=(1,) * 5, head_dim=8, head_widths=(48, 64)
    ),
    "efficientvit_msra": small(
        "efficientvit_m0", 128, embed_dim=(32, 48, 64), depth=(1, 1, 1), num_heads=(2, 3, 4), window_size=(4, 4, 4)
    ),
    "eva": tokens("eva02_tiny_patch14_224", img_size=32, head_init_scale=1.0),
    "eva/dinov3": tokens("vit_small_patch16_dinov3_qkvb", head_init_scale=1.0),
    "fasternet": small("fasternet_t0", 32, embed_dim=16, depths=(1, 1, 2, 1), feature_dim=64),
    "fastvit": small("fastvit_sa12", 64, layers=(1, 1, 1, 1), embed_dims=(16, 32, 32, 64)),
    "focalnet": small(
        "focalnet.FocalNet", 32, embed_dim=16, depths=(1, 1, 2, 1), layerscale_value=0.1, use_post_norm=True
    ),
    "gcvit": small(
        "gcvit.GlobalContextVit",
        64,
        img_size=64,
        embed_dim=16,
        depths=(2, 2, 2, 2),
        num_heads=(2, 2, 4, 4),
        layer_scale=0.1,
    ),
    "gemma4_vit": small(
        "gemma4_vit_167m",
        48,
        img_size=48,
        patch_size=8,
        embed_dim=32,
        depth=2,
        num_heads=2,
        head_dim=16,
        intermediate_size=64,
        position_embedding_size=16,
    ),
    "ghostnet": small("ghostnet_050", 32),
    "ghostnet/v2": small(
        "ghostnet.GhostNet",
        64,
        cfgs=(
            [[3, 16, 16, 0, 1]],
            [[3, 48, 24, 0, 2]],
            [[5, 72, 40, 0.25, 2]],
            [[3, 200, 80, 0, 2], [3, 184, 80, 0, 1]],
        ),
        width=0.5,
        version="v2",
    ),
    "hardcorenas": small("hardcorenas_a", 32),
    "hgnet": small("hgnetv2_b0", 32, head_hidden_size=64),
    "hiera": small("hiera_tiny_224", 64, embed_dim=16, stages=(1, 1, 1, 1), head_init_scale=1.0),
    "hieradet_sam2": small(
        "sam2_hiera_tiny",
        64,
        embed_dim=16,
        stages=(1, 1, 2, 1),
        global_att_blocks=(3,),
        window_spec=(4, 2, 2, 2),
        head_init_scale=1.0,
    ),
    "hrnet": small("hrnet_w18_small", 32),
    "iformer": small("iformer_t", 64, dims=(16, 24, 32, 64), depths=(1, 1, 3, 3), attn_groups=(0, 0, 1, 1)),
    "inception_next": small("inception_next_atto", 32, depths=(1, 1, 2, 1), dims=(16, 24, 32, 48)),
    "inception_resnet_v2": small("inception_resnet_v2", 96, keep=3),
    "inception_v3": small("inception_v3", 96, keep=4),
    "inception_v4": small("inception_v4", 96, keep=3),
    "lcnetv2": small("lcnetv2_small", 32, scale=0.25, depths=(1, 1, 2, 1), head_hidden_size=64),
    "levit": small("levit_128s", 160, embed_dim=(32, 48, 64), key_dim=8, num_heads=(2, 3, 4), depth=(1, 1, 1)),
    "lowformer": small(
        "lowformer_b0", 64, width_list=(8, 16, 16, 24, 32), depth_list=(0, 1, 1, 1, 1), head_widths=(48, 64)
    ),
    "mambaout": small("test_mambaout", 32),
    "maxxvit": small("test_maxvit", 64),
    "maxxvit/coatnet": small("test_coatnet", 64),
    "maxxvit/convnext": small(
        "maxxvit_rmlp_nano_rw_256", 64, stem_width=(16, 32), embed_dim=(32, 32, 64, 64), depths=(1, 1, 1, 1)
    ),
    "metaformer": small(
        "metaformer.MetaFormer",
        64,
        depths=(1, 1, 1, 1),
        dims=(16, 32, 32, 64),
        token_mixers=[SepConv, SepConv, Attention, Attention],
        norm_layers=[LayerNorm2dNoBias] * 2 + [LayerNormNoBias] * 2,
    ),
    "metaformer/pool": small(
        "metaformer.MetaFormer",
        64,
        depths=(1, 1, 2, 1),
        dims=(16, 24, 32, 48),
        mlp_act=nn.GELU,
        mlp_bias=True,
        layer_scale_init_values=1e-5,
        res_scale_init_values=None,
        use_mlp_head=False,
    ),
    "mlp_mixer": small("mlp_mixer.MlpMixer", 32, img_size=32, patch_size=8, num_blocks=2, embed_dim=32),
    "mlp_mixer/gmlp": small(
        "mlp_mixer.MlpMixer",
        32,
        img_size=32,
        patch_size=8,
        num_blocks=2,
        embed_dim=32,
        mlp_ratio=6,
        block_layer=SpatialGatingBlock,
        mlp_layer=GatedMlp,
    ),
    "mlp_mixer/resmlp": small(
        "mlp_mixer.MlpMixer",
        32,
        img_size=32,
        patch_size=8,
        num_blocks=2,
        embed_dim=32,
        mlp_ratio=4,
        block_layer=partial(ResBlock, init_values=1e-4),
        norm_layer=Affine,
    ),
    "mobilenetv3": small("mobilenetv3_small_050", 32),
    "mobilenetv3/v4hybrid": small(
        "mobilenetv3.MobileNetV3",
        64,
        block_args=decode_arch_def(
            [
                ["cn_r1_k3_s2_e1_c16"],
                ["uir_r1_a3_k5_s2_e4_c24", "mqa_r1_k3_h2_s1_v2_d16_c24", "uir_r1_a3_k0_s1_e2_c24"],
                ["uir_r1_a0_k3_s2_e2_c32", "mha_r1_k1_h2_s1_d16_c32", "uir_r1_a0_k0_s1_e2_c32"],
            ]
        ),
        stem_size=8,
        num_features=64,
        layer_scale_init_value=1e-5,
    ),
    "mobilenetv5": small(
        "mobilenetv5_base",
        64,
        block_args=decode_arch_def(
            [
                ["er_r1_k3_s2_e4_c16"],
                ["uir_r1_a3_k5_s2_e4_c24"],
                ["uir_r1_a5_k0_s2_e4_c32", "mqa_r1_k3_h2_s2_d16_c32", "uir_r1_a0_k0_s1_e2_c32"],
            ]
        ),
        stem_size=8,
        num_features=64,
        msfa_output_resolution=4,
    ),
    "mobilevit": small("mobilevit_xxs", 128),
    "mobilevit/v2": small("mobilevitv2_050", 128),
    "mvitv2": small(
        "mvitv2.MultiScaleVit",
        64,
        img_size=64,
        cfg=MultiScaleVitCfg(depths=(1, 1, 2, 1), embed_dim=16, num_heads=1),
    ),
    "naflexvit": tokens("naflexvit_base_patch16_gap"),
    "nasnet": small("nasnetalarge", 64, stem_size=8, num_features=192),
    "nest": small("nest.Nest", 32, img_size=32, embed_dims=(16, 24, 32), num_heads=(2, 2, 4), depths=(1, 1, 2)),
    "nextvit": small("nextvit_small", 64, stem_chs=(16, 16, 16), depths=(1, 1, 5, 1), keep=3),
    "nfnet": small("test_nfnet", 32),
    "pit": small(
        "pit_ti_distilled_224", 32, patch_size=8, stride=4, base_dims=(8, 8, 8), heads=(2, 4, 8), depth=(1, 1, 1)
    ),
    "pnasnet": small("pnasnet5large", 32, keep=3),
    "pvt_v2": small("pvt_v2_b0", 64, depths=(1,) * 4, embed_dims=(16, 16, 32, 32), num_heads=(1, 1, 2, 2)),
    "qwen3_vit": tokens(
        "qwen3_vit_88m_merge",
        img_size=32,
        pos_embed_grid_size=4,
        out_features=48,
    ),
    "rdnet": small("rdnet_tiny", 32, num_init_features=16, growth_rates=(8,) * 7, num_blocks_list=(1,) * 7),
    "regnet": small("regnety_002", 32, w0=16, wa=16.0, wm=2.0, depth=8),
    "repghost": small(
        "repghost.RepGhostNet",
        32,
        cfgs=([[3, 16, 16, 0, 1]], [[3, 48, 24, 0, 2]], [[5, 72, 40, 0.25, 2], [5, 72, 40, 0.25, 1]]),
        width=0.5,
    ),
    "repvit": small("repvit_m0_9", 32, embed_dim=(16, 24, 32, 48), depth=(1, 1, 2, 1)),
    "res2net": small("res2net50_26w_4s", 32, layers=(1, 1, 1, 1), channels=(16, 32, 32, 64)),
    "resnest": small("resnest14d", 32, channels=(16, 32, 32, 64), stem_width=8),
    "resnet": small("resnet26d", 32, layers=(1, 1, 2, 1), channels=(16, 16, 32, 32), stem_width=8),
    "resnet/blur": small("ecaresnet26t", 32, layers=(1, 1, 1, 1), channels=(16, 16, 32, 32), aa_layer=BlurPool2d),
    "resnetv2": small("resnetv2_50d", 32, layers=(1, 1, 1, 1), channels=(32, 32, 64, 64), stem_chs=16),
    "resnetv2/bit": small(
        "resnetv2.ResNetV2",
        64,
        stem_type="fixed",
        layers=(1, 1, 1, 1),
        channels=(32, 32, 64, 64),
        stem_chs=16,
        norm_layer=partial(GroupNormAct, num_groups=4),
    ),
    "resnetv2/evonorm": small(
        "resnetv2_50d_evos",
        64,
        layers=(1, 1, 1, 1),
        channels=(32, 32, 64, 64),
        stem_chs=16,
        norm_layer=partial(EvoNorm2dS0, groups=4),
    ),
    "rexnet": small("rexnet_100", 32, width_mult=0.25, depth_mult=0.5),
    "selecsls": small(
        "selecsls.SelecSls",
        64,
        cfg={
            "block": SelecSlsBlock,
            "features": [(32, 0, 16, 16, True, 2), (16, 16, 16, 32, False, 1)],
            "head": [(32, 48, 3, 2), (48, 64, 1, 1)],
            "num_features": 64,
            "feature_info": [],
        },
    ),
    "senet": small("legacy_seresnet18", 32, layers=(1, 1, 1, 1), keep=4),
    "sequencer": small(
        "sequencer2d_s",
        32,
        layers=(1, 1, 1, 1),
        patch_sizes=(4, 2, 1, 1),
        embed_dims=(16, 24, 32, 32),
        hidden_sizes=(4, 6, 8, 8),
    ),
    "shvit": small("shvit_s1", 96, embed_dim=(24, 32, 48), partial_dim=(8, 8, 12), depth=(1, 1, 1)),
    "sknet": small("skresnet18", 32, layers=(1, 1, 1, 1), channels=(16, 32, 32, 64)),
    "starnet": small("starnet_s050", 32),
    "swiftformer": small("swiftformer_xs", 64, layers=(1, 1, 2, 1), embed_dims=(16, 24, 32, 48)),
    "swin_transformer": small(
        "swin_tiny_patch4_window7_224",
        32,
        patch_size=2,
        embed_dim=16,
        depths=(2, 2),
        num_heads=(2, 4),
        window_size=4,
    ),
    "swin_transformer_v2": small(
        "swinv2_tiny_window8_256",
        32,
        patch_size=2,
        embed_dim=16,
        depths=(2, 2),
        num_heads=(2, 4),
        window_size=4,
    ),
    "swin_transformer_v2_cr": small(
        "swinv2_cr_tiny_ns_224",
        32,
        patch_size=2,
        embed_dim=16,
        depths=(2, 2),
        num_heads=(2, 4),
        window_size=4,
    ),
    "tiny_vit": small(
        "tiny_vit_5m_224",
        64,
        embed_dims=(16, 24, 32, 48),
        depths=(1, 1, 2, 1),
        num_heads=(1, 2, 2, 4),
        window_sizes=(2, 2, 2, 2),
    ),
    "tnt": small(
        "tnt_s_patch16_224",
        32,
        patch_size=8,
        embed_dim=32,
        inner_dim=8,
        depth=2,
        num_heads_inner=2,
        num_heads_outer=2,
    ),
    "tresnet": small("tresnet_m", 64, layers=(1, 1, 2, 1), width_factor=0.25),
    "twins": small(
        "twins_svt_small",
        64,
        embed_dims=(16, 24, 32, 48),
        num_heads=(2, 2, 4, 4),
        depths=(2, 2, 2, 2),
        wss=(4, 4, 2, 2),
    ),
    "vgg": small("vgg.VGG", 32, cfg=(8, "M", 16, "M", 16, "M", 24, "M", 24, "M"), mlp_ratio=0.01),
    "visformer": small("visformer_tiny", 64, init_channels=8, embed_dim=32, depth=(1, 1, 1), num_heads=2),
    "vision_transformer": tokens("vit_tiny_patch16_224"),
    "vision_transformer/layerscale": tokens("vit_small_patch14_reg4_dinov2"),
    "vision_transformer/map": tokens("vit_base_patch16_siglip_224"),
    "vision_transformer/parallel": tokens(
        "vit_tiny_patch16_224",
        block_fn=ParallelScalingBlock,
        qk_norm=True,
        class_token=False,
        global_pool="avg",
    ),
    "vision_transformer_hybrid": small("vit_tiny_r_s16_p8_224", 64, patch_size=4, embed_dim=32, depth=2, num_heads=2),
    "vision_transformer_relpos": tokens("vit_relpos_small_patch16_224"),
    "vision_transformer_relpos/rel_pos_bias": tokens(
        "vit_relpos_small_patch16_rpn_224",
        rel_pos_type="bias",
        class_token=True,
        global_pool="token",
        block_fn=ResPostRelPosBlock,
    ),
    "vision_transformer_sam": tokens(
        "samvit_base_patch16_224",
        img_size=32,
        global_attn_indexes=(1,),
        window_size=2,
        use_rel_pos=True,
        neck_chans=16,
    ),
    "vitamin": small(
        "vitamin_small_224",
        64,
        embed_cfg=VitCfg(
            embed_dim=(8, 16, 32),
            depths=(1, 1, 1),
            stem_width=8,
            conv_cfg=VitConvCfg(norm_layer="layernorm2d", norm_eps=1e-6),
            head_type="1d",
        ),
        embed_dim=32,
        depth=2,
        num_heads=2,
    ),
    "volo": small(
        "volo.VOLO",
        64,
        img_size=64,
        layers=(1, 1, 1, 1),
        stem_hidden_dim=16,
        embed_dims=(32, 48, 48, 48),
        num_heads=(2, 4, 4, 4),
    ),
    "vovnet": small("ese_vovnet19b_slim_dw", 32),
    "xception": small("xception", 64, keep=3),
    "xception_aligned": small(
        "xception41",
        64,
        block_cfg=[
            {"in_chs": 64, "out_chs": 32, "stride": 2},
            {"in_chs": 32, "out_chs": 48, "stride": 2},
            {"in_chs": 48, "out_chs": 48, "stride": 1},
            {"in_chs": 48, "out_chs": (48, 48, 64), "stride": 2},
            {"in_chs": 64, "out_chs": (64, 64, 96), "stride": 1, "no_skip": True, "start_with_relu": False},
        ],
    ),
    "xcit": small("xcit_nano_12_p8_224", 32, embed_dim=32, depth=2, num_heads=2),
}

# Families with no member above, and why.
LEFT_OUT: dict[str, str] = {}


def build_member(member: Member, classes: int = 3) -> nn.Module:
    """Build a member in eval mode, its random weights such that every layer matters.

    As timm initialises them, many residual branches, position tables and heads are zero or almost so, and deep
    stacks with untrained statistics forget their images.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = _create(member, classes)
        for parameter in network.parameters():
            if parameter.is_floating_point() and (parameter.ndim == 1 or bool((parameter == parameter.max()).all())):
                parameter.add_(0.2 * torch.randn_like(parameter))
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and module.weight.numel() > 1:
                # Unit variance in, unit variance out.
                module.weight.div_(module.weight.std() * math.sqrt(module.weight[0].numel()))
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return network.eval()


def _create(member: Member, classes: int) -> nn.Module:
    """Construct a member."""
    module, _, name = member.name.rpartition(".")
    options = copy.deepcopy(dict(member.options))  # Some constructors take theirs apart.
    network: Any
    if module:
        network = getattr(importlib.import_module(f"timm.models.{module}"), name)(num_classes=classes, **options)
    else:
        # timm passes this size on where a constructor needs it.
        overlay = {"input_size": (3, member.size, member.size)}
        network = timm.create_model(
            name, pretrained=False, num_classes=classes, pretrained_cfg_overlay=overlay, **options
        )
    if member.keep is not None:
        network.prune_intermediate_layers(list(range(member.keep)))
        network.reset_classifier(classes, "avg")
    return cast(nn.Module, network)
