"""The StyleGAN2 generator with the parameter names of NVIDIA's checkpoints.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020; the three architectures are
those of its Figure 7.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.stylegan2 import cuda_synthesis
from models.stylegan2.generator_config import GeneratorConfig
from models.stylegan2.mapping import MappingNetwork
from models.stylegan2.native import entry as native
from models.stylegan2.native.memory import SynthesisMemory
from models.stylegan2.synthesis_blocks import NoiseMode, SynthesisBlock


class SynthesisNetwork(nn.Module):
    """ws [N, num_ws, w_dim] -> picture [N, C, R, R], about -1..1, not clamped."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.resolutions = config.resolutions
        self.rgb_resolutions = config.rgb_resolutions
        self.img_resolution = config.img_resolution
        self.w_dim = config.w_dim
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", SynthesisBlock(config, resolution))
        self.num_ws = 2 * len(config.resolutions)

    def block(self, resolution: int) -> SynthesisBlock:
        """The block of that resolution."""
        module = self.get_submodule(f"b{resolution}")
        assert isinstance(module, SynthesisBlock)
        return module

    @property
    def noise_resolutions(self) -> tuple[int, ...]:
        """Side of every noise map in the order of the layers: 4, 8, 8, 16, 16, ..."""
        return (4, *(r for r in self.resolutions[1:] for _ in range(2)))

    def noise_maps(self) -> list[Tensor]:
        """The stored noise maps [r, r] in the order of the layers; empty without noise inputs."""
        return [value for name, value in self.named_buffers() if name.endswith("noise_const")]

    def forward(
        self,
        ws: Tensor,
        noise_mode: NoiseMode = "const",
        noise: Sequence[Tensor | None] | None = None,
        resolution: int | None = None,
        memory: SynthesisMemory | None = None,
        force_fp32: bool = False,
    ) -> Tensor:
        """noise: one map [N or 1, 1, r, r] a layer, or None there for what noise_mode says.
        resolution: stop at that level, one of rgb_resolutions, and return its RGB.
        memory: activations of the last picture, for a batch of one; it changes the time, not the picture.
        force_fp32: no float16 on CUDA. On a CPU there is none.

        Where no gradients are wanted, kernels of our own compute it on a CPU (models/stylegan2/native), CUDA
        graphs on a GPU. Raises ValueError on shapes that do not fit this generator.
        """
        if ws.ndim != 3 or ws.shape[1:] != (self.num_ws, self.w_dim):
            raise ValueError(f"ws must be [N, {self.num_ws}, {self.w_dim}], not {list(ws.shape)}")
        maps = self._checked_noise(noise)
        stop = self.img_resolution if resolution is None else resolution
        if stop not in self.rgb_resolutions:
            raise ValueError(f"resolution must be one of {self.rgb_resolutions}, not {stop}")
        if memory is not None and len(ws) != 1:
            raise ValueError("a memory is for one picture at a time")
        if ws.is_cuda:
            picture = None if force_fp32 else cuda_synthesis.picture(self, ws, noise_mode, maps, stop)
        else:
            picture = native.picture(self, ws, noise_mode, maps, stop, memory)
        return self._by_modules(ws, noise_mode, maps, stop) if picture is None else picture

    def _by_modules(
        self, ws: Tensor, noise_mode: NoiseMode, maps: Sequence[Tensor | None], stop: int
    ) -> Tensor:
        x: Tensor | None = None
        img: Tensor | None = None
        first = 0
        for r in self.resolutions:
            block = self.block(r)
            rows = ws[:, first : first + block.num_conv + 1]
            x, img = block(x, img, rows, noise_mode, maps[first : first + block.num_conv])
            first += block.num_conv
            if r == stop:
                break
        assert img is not None
        return img

    def _checked_noise(self, noise: Sequence[Tensor | None] | None) -> list[Tensor | None]:
        sides = self.noise_resolutions
        if noise is None:
            return [None] * len(sides)
        if len(noise) != len(sides):
            raise ValueError(f"noise needs {len(sides)} maps, not {len(noise)}")
        for i, (given, side) in enumerate(zip(noise, sides, strict=True)):
            if given is not None and given.shape[-3:] != (1, side, side):
                raise ValueError(f"noise map {i} must be [N or 1, 1, {side}, {side}]")
        return list(noise)


class Generator(nn.Module):
    """Mapping and synthesis together; attributes carry NVIDIA's names."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.synthesis = SynthesisNetwork(config)
        self.mapping = MappingNetwork(
            z_dim=config.z_dim,
            w_dim=config.w_dim,
            num_ws=self.synthesis.num_ws,
            num_layers=config.mapping_layers,
            c_dim=config.c_dim,
            hidden_features=config.mapping_features,
            embed_features=config.embed_features,
            lr_multiplier=config.mapping_lr_multiplier,
        )
        self.z_dim, self.c_dim, self.w_dim = config.z_dim, config.c_dim, config.w_dim
        self.img_resolution, self.img_channels = config.img_resolution, config.img_channels
        self.num_ws = self.synthesis.num_ws

    @property
    def w_avg(self) -> Tensor:
        """Mean of w over z, [w_dim]: the centre of truncation."""
        return self.mapping.w_avg

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        """z [N, z_dim] -> picture [N, C, R, R]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff)
        picture: Tensor = self.synthesis(ws, noise_mode)
        return picture


def to_uint8(img: Tensor) -> Tensor:
    """Picture [N, C, H, W] of -1..1 -> uint8 [N, H, W, C], NVIDIA's rule: x * 127.5 + 128, truncated."""
    return (img.permute(0, 2, 3, 1) * 127.5 + 128).clamp(0, 255).to(torch.uint8)
