"""The weights of a convolution in the order in which the kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.stylegan2.native import upconvolution, winograd
from models.stylegan2.native.machine import Machine
from models.stylegan2.operations import LRELU_GAIN


@dataclass(frozen=True)
class PackedWeights:
    """Of one 3x3 convolution; channels are padded with zeros to a multiple of the machine's block."""

    filters: Tensor  # [out / block, products of a tile, in, block]
    energies: Tensor  # [out, in]: sum of the squares of each 3x3 filter, for demodulation


def padded(channels: int, machine: Machine) -> int:
    """The next multiple of the machine's block."""
    return -(-channels // machine.block) * machine.block


def pack_weights(weight: Tensor, axis: Tensor, machine: Machine) -> PackedWeights:
    """weight [out, in, 3, 3] by the transform of one axis, [points, 3] in float64, applied to both."""
    both = torch.kron(axis, axis)  # [points^2, 9]
    out_channels, in_channels = weight.shape[:2]
    out_padded, in_padded, block = padded(out_channels, machine), padded(in_channels, machine), machine.block
    filters = torch.zeros(out_padded // block, len(both), in_padded, block)
    for part, target in zip(weight.split(block), filters, strict=True):  # in parts: in float64 all are large
        taps = part.double().permute(2, 3, 1, 0).reshape(9, -1)
        target[:, :in_channels, : len(part)] = (both @ taps).view(len(both), in_channels, len(part))
    energies = torch.zeros(out_padded, in_padded)
    energies[:out_channels, :in_channels] = weight.square().sum(dim=(2, 3))
    return PackedWeights(filters, energies)


def pack_convolution(weight: Tensor, machine: Machine) -> PackedWeights:
    """For the convolution kernel."""
    return pack_weights(weight, winograd.filter_transform(), machine)


def pack_upconvolution(weight: Tensor, machine: Machine) -> PackedWeights:
    """For the up-convolution kernel."""
    return pack_weights(weight, upconvolution.filter_transform(), machine)


def pack_rows(matrix: Tensor, machine: Machine) -> Tensor:
    """matrix [rows, depth] padded with zeros to multiples of the block and of the lanes."""
    rows, depth = matrix.shape
    return F.pad(matrix, (0, -depth % machine.lanes, 0, -rows % machine.block)).contiguous()


def pack_bias(bias: Tensor, machine: Machine) -> Tensor:
    """bias [rows] padded with zeros to a multiple of the block."""
    return F.pad(bias, (0, -len(bias) % machine.block)).contiguous()


def pack_layer_bias(bias: Tensor, machine: Machine) -> Tensor:
    """The same, times the gain of the activation."""
    return pack_bias(bias, machine) * LRELU_GAIN


def pack_rgb(weight: Tensor, machine: Machine) -> Tensor:
    """weight [channels, in, 1, 1] as [channels, in], in padded with zeros."""
    return F.pad(weight[:, :, 0, 0], (0, -weight.shape[1] % machine.block)).contiguous()


def pack_const(const: Tensor, machine: Machine) -> Tensor:
    """The learned input [C, r, r] as activations [1, r, C / lanes, r, lanes]."""
    channels, side, _ = const.shape
    full = F.pad(const, (0, 0, 0, 0, 0, -channels % machine.block))
    return full.view(-1, machine.lanes, side, side).permute(2, 0, 3, 1).contiguous()[None]
