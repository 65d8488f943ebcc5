"""Reading the `.pkl` of NVIDIA's stylegan2-ada-pytorch and of stylegan3's StyleGAN2, running none of it.

Such a file is a pickle that carries the networks' source code and expects it to be run. Here it is read
into inert records (inert_pickle.py), what they say is checked against what this package can build, and all
of that happens in a child process with limits, which hands over a safetensors file.
"""

from __future__ import annotations

import dataclasses
import mmap
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from models.stylegan2.generator import GeneratorConfig
from models.stylegan2.inert_pickle import PickledModule, PickledTensor, materialise, unpickle
from models.stylegan2.isolation import limit_this_process, run_main
from models.stylegan2.validation import check_tensors, parse_config
from models.weights import CheckpointError, read_weights, write_weights

GENERATOR_FORMAT = "latentloom-generator"
_MAX_FILE_BYTES = 2 * 2**30
_REFUSED = 3  # exit status of the child; its one line of output says why
_MAX_MODULES = 2000  # a 1024 x 1024 generator has 86


def read_nvidia_pickle(path: Path, timeout_s: float = 600) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """Config and tensors of G_ema, read in a child process. Raises CheckpointError; OSError if not there."""
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise CheckpointError("It is larger than 2 GiB, which no StyleGAN2 pickle is.")
    with tempfile.TemporaryDirectory(prefix="latentloom-") as folder:
        out = Path(folder) / "generator.safetensors"
        arguments = [str(path.resolve()), str(out)]
        try:
            done = run_main(__name__, arguments, folder=Path(folder), timeout_s=timeout_s)
        except subprocess.TimeoutExpired:
            raise CheckpointError(f"Reading it took longer than {timeout_s:.0f} seconds.") from None
        if done.returncode == _REFUSED:
            raise CheckpointError(done.stdout.strip()[:400])
        if done.returncode < 0:
            raise CheckpointError("Reading it took more memory or time than such a file needs.")
        if done.returncode != 0:
            raise RuntimeError(f"the reading process failed: {done.stderr[-2000:]}")
        config, tensors = read_weights(out, GENERATOR_FORMAT)
    return parse_config(config), tensors


def parse_network(path: Path, network: str = "G_ema") -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """Config and tensors of one network of the pickle, G_ema (the averaged weights) or G, in this process.

    Runs nothing of the file, but may take what memory and time a hostile file wants: read_nvidia_pickle
    sets limits. Raises CheckpointError.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            networks = unpickle(view)
        if not isinstance(networks, dict) or not isinstance(networks.get(network), PickledModule):
            raise CheckpointError(f"It holds no {network} network of NVIDIA's PyTorch code.")
        return _generator(networks[network])
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError("This is not a network pickle, or it is damaged.") from error


def _generator(generator: PickledModule) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    modules = dict(_walk(generator))
    config = _config(modules)
    pickled = {}
    for prefix, module in modules.items():
        for name, value in {**_mapping(module, "_parameters"), **_mapping(module, "_buffers")}.items():
            if isinstance(value, PickledTensor):
                pickled[f"{prefix}{name}"] = value
    check_tensors(config, {name: tensor.size for name, tensor in pickled.items()})
    tensors = {name: materialise(tensor) for name, tensor in pickled.items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} holds numbers that are not finite.")
    return config, tensors


def _walk(root: PickledModule) -> Iterator[tuple[str, PickledModule]]:
    """Every module under its dotted prefix ("synthesis.b4."), as many as a file may have.

    A loop in the file never ends here: the number of modules and the length of a name are limited.
    """
    waiting = [("", root)]
    for _ in range(_MAX_MODULES):
        if not waiting:
            return
        prefix, module = waiting.pop()
        yield prefix, module
        for name, child in _mapping(module, "_modules").items():
            if not isinstance(name, str) or "." in name or len(prefix) + len(name) > 200:
                raise CheckpointError("A network in this pickle is damaged.")
            if isinstance(child, PickledModule):
                waiting.append((f"{prefix}{name}.", child))
    raise CheckpointError("It has more layers than any StyleGAN2 generator.")


def _mapping(module: PickledModule, name: str) -> dict[object, object]:
    value = module.state.get(name)
    if not isinstance(value, dict):
        raise CheckpointError("A network in this pickle is damaged.")
    return value


def _config(modules: dict[str, PickledModule]) -> GeneratorConfig:
    """From the modules' own attributes, which hold in every version; only channels are the call's."""
    top = modules[""]
    if top.class_name != "Generator" or not {"synthesis.", "mapping."} <= set(modules):
        raise CheckpointError("Its network is not a StyleGAN2 generator.")
    if "synthesis.input." in modules:
        raise CheckpointError("It holds an alias-free StyleGAN3 generator, which is not supported.")
    convolutions = _of_class(modules, "SynthesisLayer")
    mapping = modules["mapping."]
    dense = [m for prefix, m in modules.items() if prefix.startswith("mapping.fc")]
    _supported_only(modules, dense)
    called = _called_with(top)
    hidden = _mapping(dense[0], "_parameters").get("weight") if len(dense) > 1 else None
    values = {
        name: top.state.get(name) for name in ("z_dim", "w_dim", "c_dim", "img_resolution", "img_channels")
    }
    values |= {
        "mapping_layers": mapping.state.get("num_layers"),
        "mapping_features": hidden.size[0] if isinstance(hidden, PickledTensor) and hidden.size else None,
        "mapping_lr_multiplier": _shared(dense, "bias_gain"),
        "channel_base": _whole(called.get("channel_base", 32768)),
        "channel_max": _whole(called.get("channel_max", 512)),
        "conv_clamp": _shared([*convolutions, *_of_class(modules, "ToRGBLayer")], "conv_clamp"),
        "resample_filter": called.get("resample_filter", [1, 3, 3, 1]),
        "use_noise": _shared(convolutions, "use_noise"),
    }
    return parse_config(values)


def _supported_only(modules: dict[str, PickledModule], dense: list[PickledModule]) -> None:
    """Options that change what the layers compute, without a trace in the shapes."""
    architecture = _shared(_of_class(modules, "SynthesisBlock"), "architecture")
    if architecture != "skip":
        raise CheckpointError(
            f"Its generator has the architecture {_shown(architecture)}; only 'skip' is supported."
        )
    linear = [m for m in _of_class(modules, "FullyConnectedLayer") if not any(m is d for d in dense)]
    for layers, expected in (
        (_of_class(modules, "SynthesisLayer"), "lrelu"),
        (dense, "lrelu"),
        (linear, "linear"),
    ):
        activation = _shared(layers, "activation")
        if activation != expected:
            raise CheckpointError(f"Its layers use {_shown(activation)}; only {expected} is supported there.")
    if _shared(linear, "bias_gain") != 1:
        raise CheckpointError("Its style layers have a learning rate multiplier, which is not supported.")


def _called_with(top: PickledModule) -> dict[str, object]:
    """Arguments of the synthesis network: in stylegan2-ada under synthesis_kwargs, in stylegan3 flat."""
    called = top.state.get("_init_kwargs")
    nested = called.get("synthesis_kwargs", {}) if isinstance(called, dict) else None
    if not isinstance(called, dict) or not isinstance(nested, dict):
        raise CheckpointError("A network in this pickle is damaged.")
    return {**called, **nested}


def _of_class(modules: dict[str, PickledModule], name: str) -> list[PickledModule]:
    return [module for module in modules.values() if module.class_name == name]


def _shared(modules: list[PickledModule], name: str) -> object:
    """The attribute's value, the same in all these layers."""
    if not modules or any(name not in module.state for module in modules):
        raise CheckpointError("Its network is not a StyleGAN2 generator.")
    value = modules[0].state[name]
    if any(module.state[name] != value for module in modules):
        raise CheckpointError(f"Its layers differ in {name}, which is not supported.")
    return value


def _whole(value: object) -> object:
    """Networks converted from TensorFlow files carry whole numbers as floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: object) -> str:
    return ascii(value)[:40] if isinstance(value, str) else type(value).__name__


def main(arguments: list[str]) -> int:
    """What the child process does: read IN.pkl, write OUT.safetensors.

    Returns 0, or 3 after a line on standard output that says why the file is refused.
    """
    source, out = map(Path, arguments)
    # The bytes of all networks, once in the pickle's memo; G_ema a few times over; torch's own needs.
    limit_this_process(memory_bytes=4 * source.stat().st_size + 2**30, cpu_s=120)
    torch.set_num_threads(1)
    try:
        config, tensors = parse_network(source)
        write_weights(out, GENERATOR_FORMAT, dataclasses.asdict(config), tensors)
    except CheckpointError as error:
        sys.stdout.write(f"{error}\n")
        return _REFUSED
    except MemoryError:
        sys.stdout.write("Reading it takes more memory than such a file needs.\n")
        return _REFUSED
    return 0
