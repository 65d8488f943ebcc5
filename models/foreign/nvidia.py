"""Networks of NVIDIA's PyTorch code: stylegan2-ada-pytorch, and the StyleGAN2 configurations of stylegan3.

Their pickles carry the networks' source code and expect it to be run. Here they arrive as inert records, and
what those say is checked against what this package can build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from models.foreign.network import ForeignNetwork, Kind, Networks, checked_network
from models.foreign.recognition import WHAT_WORKS
from models.foreign.records import PickledModule, PickledTensor
from models.foreign.shapes import discriminator_config, generator_config, taps_of
from models.foreign.torch_file import materialise
from models.stylegan2.validation import check_tensors
from models.weights import CheckpointError

_MAX_MODULES = 2000  # a 1024 x 1024 generator has 86
_CLASSES = {
    *("Generator", "MappingNetwork", "SynthesisNetwork", "SynthesisBlock", "SynthesisLayer", "ToRGBLayer"),
    *("Discriminator", "DiscriminatorBlock", "DiscriminatorEpilogue", "MinibatchStdLayer"),
    *("FullyConnectedLayer", "Conv2dLayer"),
}
Modules = dict[str, PickledModule]


def find_networks(content: object) -> Networks | None:
    """Networks of an unpickled file; None where it holds none of NVIDIA's PyTorch code."""
    if isinstance(content, PickledModule):
        content = {"D" if content.class_name == "Discriminator" else "G_ema": content}
    if not isinstance(content, dict):
        return None
    modules = {name: value for name, value in content.items() if isinstance(value, PickledModule)}
    if not modules:
        return None
    found: dict[Kind, Callable[[], ForeignNetwork]] = {}
    generator = modules.get("G_ema") or modules.get("G")  # G_ema: the averaged weights
    if generator is not None:
        found["generator"] = partial(read_generator, generator)
    if "D" in modules:
        found["discriminator"] = partial(read_discriminator, modules["D"])
    if not found:
        names = ", ".join(_shown(module.class_name) for module in modules.values())
        raise CheckpointError(f"Its networks ({names[:80]}) are not those of a StyleGAN2 generator.")
    return found


def read_generator(top: PickledModule) -> ForeignNetwork:
    """Raises CheckpointError where it is not a StyleGAN2 generator that can be built."""
    modules = dict(_walk(top))
    if "synthesis.input." in modules:
        raise CheckpointError(f"It is an alias-free StyleGAN3 network; {WHAT_WORKS}.")
    if top.class_name != "Generator" or not {"synthesis.", "mapping."} <= set(modules):
        raise CheckpointError("Its network is not a StyleGAN2 generator.")
    _known_classes(modules)
    dense = [module for prefix, module in modules.items() if prefix.startswith("mapping.fc")]
    convolutions = _of_class(modules, "SynthesisLayer")
    _activations(modules, dense, convolutions)
    for layers, option in (
        (_of_class(modules, "SynthesisBlock"), "architecture"),
        (convolutions, "use_noise"),
    ):
        _shared(layers, option)
    pickled = _tensors(modules)
    config = generator_config(
        {name: tensor.size for name, tensor in pickled.items()},
        _taps(pickled, "synthesis.b4.resample_filter"),
        conv_clamp=_shared([*convolutions, *_of_class(modules, "ToRGBLayer")], "conv_clamp"),
        lr_multiplier=_shared(dense, "bias_gain") if dense else 0.01,
    )
    check_tensors(config, {name: tensor.size for name, tensor in pickled.items()})
    return checked_network(config, {name: materialise(tensor) for name, tensor in pickled.items()})


def read_discriminator(top: PickledModule) -> ForeignNetwork:
    """Raises CheckpointError where it is not a StyleGAN2 discriminator that can be built."""
    modules = dict(_walk(top))
    if top.class_name != "Discriminator" or "b4." not in modules:
        raise CheckpointError("Its second network is not a StyleGAN2 discriminator.")
    _known_classes(modules)
    dense = [module for prefix, module in modules.items() if prefix.startswith("mapping.fc")]
    convolutions = [
        module
        for prefix, module in modules.items()
        if module.class_name == "Conv2dLayer" and not prefix.endswith(".skip.")
    ]
    _activations(modules, [*dense, *_named(modules, "b4.fc.")], convolutions)
    pickled = _tensors(modules)
    filters = [name for name in pickled if name.endswith(".conv1.resample_filter")]
    if not filters:
        raise CheckpointError("Its second network is not a StyleGAN2 discriminator.")
    deviation = _named(modules, "b4.mbstd.")
    config = discriminator_config(
        {name: tensor.size for name, tensor in pickled.items()},
        _taps(pickled, filters[0]),
        conv_clamp=_shared([m for m in convolutions if m is not modules.get("b4.fromrgb.")], "conv_clamp"),
        mbstd_group_size=_shared(deviation, "group_size") if deviation else None,
        lr_multiplier=_shared(dense, "bias_gain") if dense else 0.01,
    )
    check_tensors(config, {name: tensor.size for name, tensor in pickled.items()})
    return checked_network(config, {name: materialise(tensor) for name, tensor in pickled.items()})


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
                raise CheckpointError("A network in this file is damaged.")
            if isinstance(child, PickledModule):
                waiting.append((f"{prefix}{name}.", child))
    raise CheckpointError("It has more layers than any StyleGAN2 network.")


def _known_classes(modules: Modules) -> None:
    strange = {module.class_name for module in modules.values()} - _CLASSES
    if strange:
        name = _shown(sorted(strange)[0])
        raise CheckpointError(f"Its network has a layer of the class {name}, which is no part of StyleGAN2.")


def _tensors(modules: Modules) -> dict[str, PickledTensor]:
    """Parameters and buffers: training with frozen layers turns the former into the latter."""
    return {
        f"{prefix}{name}": value
        for prefix, module in modules.items()
        for name, value in {**_mapping(module, "_parameters"), **_mapping(module, "_buffers")}.items()
        if isinstance(value, PickledTensor)
    }


def _mapping(module: PickledModule, name: str) -> dict[object, object]:
    value = module.state.get(name)
    if not isinstance(value, dict):
        raise CheckpointError("A network in this file is damaged.")
    return value


def _taps(pickled: dict[str, PickledTensor], name: str) -> tuple[float, ...]:
    if name not in pickled or max((0, *pickled[name].size)) > 64:
        raise CheckpointError("Its network is not a StyleGAN2 network.")
    return taps_of(materialise(pickled[name]))


def _activations(modules: Modules, dense: list[PickledModule], convolutions: list[PickledModule]) -> None:
    """Options that change what the layers compute, without a trace in the shapes."""
    linear = [m for m in _of_class(modules, "FullyConnectedLayer") if not any(m is d for d in dense)]
    for layers, expected in ((convolutions, "lrelu"), (dense, "lrelu"), (linear, "linear")):
        activation = _shared(layers, "activation") if layers else expected
        if activation != expected:
            raise CheckpointError(f"Its layers use {_shown(activation)}; only {expected} is supported there.")
    unclamped = [m for prefix, m in modules.items() if prefix.endswith(".skip.") or prefix == "b4.fromrgb."]
    if unclamped and _shared(unclamped, "conv_clamp") is not None:
        raise CheckpointError("Its residual branches are clamped, which is not supported.")
    if linear and _shared(linear, "bias_gain") != 1:
        raise CheckpointError("Its style layers have a learning rate multiplier, which is not supported.")


def _of_class(modules: Modules, name: str) -> list[PickledModule]:
    return [module for module in modules.values() if module.class_name == name]


def _named(modules: Modules, prefix: str) -> list[PickledModule]:
    return [modules[prefix]] if prefix in modules else []


def _shared(modules: list[PickledModule], name: str) -> object:
    """The attribute's value, a plain one, the same in all these layers."""
    if not modules or any(name not in module.state for module in modules):
        raise CheckpointError("Its network is not a StyleGAN2 network.")
    values = [module.state[name] for module in modules]
    if not all(isinstance(value, str | int | float | None) for value in values):
        raise CheckpointError(f"The {name} of a layer is damaged.")
    if any(value != values[0] for value in values):
        raise CheckpointError(f"Its layers differ in {name}, which is not supported.")
    return values[0]


def _shown(value: object) -> str:
    return ascii(value)[:40] if isinstance(value, str) else type(value).__name__
