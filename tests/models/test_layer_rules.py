"""Which layers an attribute may change, and that an edit keeps to them."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor

from models.editing.attribute_edit import apply_edit, edit_attributes, start_edit
from models.editing.errors import EditError, UnknownAttribute
from models.editing.layer_rules import LayerRules, all_layers, layer_rules, styleflow_rules
from models.manifest import manifest_json, parse_manifest
from models.styleflow.attributes import ATTRIBUTE_INDEX, ATTRIBUTES, STYLEFLOW_RULES
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow
from models.weights import CheckpointError

GLASSES, YAW, AGE = (ATTRIBUTE_INDEX[name] for name in ("glasses", "yaw", "age"))


@pytest.fixture(scope="module")
def flow() -> ConditionalFlow:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return ConditionalFlow(FlowConfig(16, (24,))).eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_values(base: Tensor, **values: float) -> Tensor:
    target = base.clone()
    for name, value in values.items():
        target[:, ATTRIBUTE_INDEX[name]] = value
    return target


def changed_layers(edited: Tensor, ws: Tensor) -> list[int]:
    return (edited != ws).any(dim=2).any(dim=0).nonzero().flatten().tolist()


def test_on_eighteen_rows_the_rules_are_styleflows() -> None:
    rules = styleflow_rules(18)
    for name, rule in STYLEFLOW_RULES.items():
        assert rules.layers[ATTRIBUTE_INDEX[name]] == rule.layers
    assert rules.layers[0] == (7, 8, 9, 10, 11)


def test_a_smaller_generator_keeps_the_rows_it_has() -> None:
    rules = styleflow_rules(10)
    assert rules.layers[ATTRIBUTE_INDEX["yaw"]] == (0, 1, 2, 3)
    assert rules.layers[0] == (7, 8, 9)
    assert styleflow_rules(6).layers[0] == (5,)


def test_an_edit_changes_only_the_layers_of_its_attribute(flow: ConditionalFlow) -> None:
    ws, base = drawn(1, 12, 16), drawn(1, 17, seed=2)
    edited = edit_attributes(flow, ws, base, with_values(base, glasses=1.0), styleflow_rules(12))
    assert changed_layers(edited, ws) == [2, 3]


def test_two_attributes_are_one_target_on_the_layers_they_share(flow: ConditionalFlow) -> None:
    ws, base = drawn(1, 12, 16), drawn(1, 17, seed=2)
    start, rules = start_edit(flow, ws, base), styleflow_rules(12)
    both = apply_edit(flow, start, with_values(base, glasses=1.0, yaw=2.0), rules)
    together = apply_edit(flow, start, with_values(base, glasses=1.0, yaw=2.0))
    yaw_only = apply_edit(flow, start, with_values(base, yaw=2.0))
    assert changed_layers(both, ws) == [0, 1, 2, 3]
    torch.testing.assert_close(both[:, 2:4], together[:, 2:4], rtol=0, atol=1e-5)
    torch.testing.assert_close(both[:, :2], yaw_only[:, :2], rtol=0, atol=1e-5)


def test_a_change_of_attributes_without_layers_in_common_is_the_sum_of_both(flow: ConditionalFlow) -> None:
    ws, base = drawn(1, 12, 16), drawn(1, 17, seed=2)
    start, rules = start_edit(flow, ws, base), styleflow_rules(12)
    both = apply_edit(flow, start, with_values(base, glasses=1.0, age=1.0), rules)
    glasses = apply_edit(flow, start, with_values(base, glasses=1.0), rules)
    age = apply_edit(flow, start, with_values(base, age=1.0), rules)
    torch.testing.assert_close(both, glasses + age - ws, rtol=0, atol=1e-5)


def test_each_sample_of_a_batch_is_edited_as_it_is_alone(flow: ConditionalFlow) -> None:
    ws, base = drawn(2, 6, 16), drawn(2, 17, seed=2)
    target = base.clone()
    target[0, GLASSES], target[1, YAW] = 1.0, 3.0
    rules = styleflow_rules(6)
    edited = edit_attributes(flow, ws, base, target, rules)
    for i in range(2):
        one = slice(i, i + 1)
        alone = edit_attributes(flow, ws[one], base[one], target[one], rules)
        torch.testing.assert_close(edited[one], alone, rtol=0, atol=1e-5)
    assert torch.equal(edited[0, [0, 1, 4, 5]], ws[0, [0, 1, 4, 5]])


def test_rows_that_stay_are_bit_for_bit_the_base(flow: ConditionalFlow) -> None:
    ws, base = drawn(2, 6, 16), drawn(2, 17, seed=2)
    target = base.clone()
    target[1, AGE] += 3
    edited = edit_attributes(flow, ws, base, target)
    assert torch.equal(edited[0], ws[0])
    assert not torch.equal(edited[1], ws[1])


def test_stored_rules_replace_styleflows_for_the_attributes_they_name() -> None:
    rules = layer_rules(12, {"yaw": [5, 4]})
    assert rules.layers[YAW] == (4, 5)
    assert rules.layers[GLASSES] == (2, 3)
    assert layer_rules(12, rules.named()) == rules
    assert layer_rules(12, None) == styleflow_rules(12)


def test_the_mask_says_the_same_as_the_rules() -> None:
    mask = styleflow_rules(12).mask()
    assert mask.shape == (12, 17)
    assert mask[:, GLASSES].nonzero().flatten().tolist() == [2, 3]
    assert bool(all_layers(4).mask().all())


def test_rules_that_do_not_fit_are_refused(flow: ConditionalFlow) -> None:
    with pytest.raises(UnknownAttribute, match="'beards'"):
        layer_rules(12, {"beards": [1]})
    with pytest.raises(EditError, match=r"Yaw must be some of 0\.\.11"):
        layer_rules(12, {"yaw": [12]})
    with pytest.raises(EditError, match="Age"):
        layer_rules(12, {"age": []})
    base = drawn(1, 17)
    with pytest.raises(EditError, match="for 18 layers, this face has 6"):
        edit_attributes(flow, drawn(1, 6, 16), base, base + 1, styleflow_rules(18))
    with pytest.raises(ValueError, match="shorter"):
        LayerRules(4, ((0,),) * (len(ATTRIBUTES) - 1))


def manifest_with(**values: object) -> dict[str, object]:
    generator = {"file": "generator.safetensors", "sha256": "0" * 64}
    texts = {"name": "tiny", "title": "Tiny", "description": "", "licence": ""}
    return {**texts, "generator": generator, "default_psi": 0.7, "seeds": [], **values}


def test_a_manifest_keeps_the_rules_of_its_checkpoint() -> None:
    manifest = parse_manifest(manifest_with(layers={"yaw": [0, 1], "age": [4]}))
    assert manifest.layers == {"yaw": (0, 1), "age": (4,)}
    assert parse_manifest(json.loads(manifest_json(manifest))) == manifest
    assert parse_manifest(manifest_with()).layers is None
    assert b"layers" not in manifest_json(parse_manifest(manifest_with()))


def test_a_manifest_keeps_where_its_middle_and_fine_layers_begin() -> None:
    manifest = parse_manifest(manifest_with(mix_borders=[4, 7]))
    assert manifest.mix_borders == (4, 7)
    assert parse_manifest(json.loads(manifest_json(manifest))) == manifest
    assert parse_manifest(manifest_with()).mix_borders is None


@pytest.mark.parametrize("borders", [4, [4], [4, 4], [0, 4], [4, 64], [4.0, 8], [True, 8]])
def test_a_manifest_with_damaged_borders_is_refused(borders: object) -> None:
    with pytest.raises(CheckpointError, match="'mix_borders'"):
        parse_manifest(manifest_with(mix_borders=borders))


@pytest.mark.parametrize("rows", [3, ["1"], [-1], [True], [64]])
def test_a_manifest_with_damaged_rules_is_refused(rows: object) -> None:
    for layers in ({"yaw": rows}, [1]):
        with pytest.raises(CheckpointError, match="'layers'"):
            parse_manifest(manifest_with(layers=layers))
