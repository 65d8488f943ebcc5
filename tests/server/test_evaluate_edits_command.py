"""`latentloom evaluate edits` on a tiny bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from models.attributes.estimator import AttributeEstimator, EstimatorConfig, save_estimator
from models.bundle import write_bundle
from models.styleflow.checkpoint import FlowConfig
from models.styleflow.flow import ConditionalFlow, save_flow
from models.stylegan2.checkpoint import save_generator
from models.stylegan2.generator import Generator
from models.stylegan2.generator_config import GeneratorConfig
from server.cli import cli

SCALE = ((1.0,) * 17, (1.0,) * 17, (-50.0,) * 17, (90.0,) * 17)


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["evaluate", "edits", *map(str, arguments)])


def write_tiny(folder: Path, flow_dim: int = 16, **texts: Any) -> Path:
    parts = {name: folder / f"{name}.part" for name in ("generator", "flow", "attributes")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        config = GeneratorConfig(z_dim=16, w_dim=16, img_resolution=16, channel_base=128, channel_max=8)
        save_generator(Generator(config), parts["generator"])
        save_flow(ConditionalFlow(FlowConfig(flow_dim, (24,))), parts["flow"])
        save_estimator(AttributeEstimator(EstimatorConfig(16, (4, 8), *SCALE)), parts["attributes"])
    text: dict[str, Any] = {"name": "tiny", "title": "Tiny", "description": "", "licence": ""}
    write_bundle(folder / "tiny", **text, **(parts | texts))
    return folder / "tiny"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("bundle"), layers={"yaw": [1, 2]})


def test_the_result_is_json_and_lies_in_the_folder_with_a_sheet_an_attribute(
    bundle: Path, tmp_path: Path
) -> None:
    few = ("--samples", 4, "--population", 100)
    result = run(bundle, *few, "--attribute", "yaw", "--json", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed == json.loads((tmp_path / "out" / "edits.json").read_text())
    assert [a["attribute"] for a in printed["attributes"]] == ["yaw"]
    assert printed["layers"]["yaw"] == [1, 2]
    assert printed["layers"]["glasses"] == [2, 3]
    with Image.open(tmp_path / "out" / "yaw.png") as sheet:
        assert sheet.height == 2 * 16


def test_without_json_it_is_a_table_that_names_the_judge(bundle: Path) -> None:
    result = run(bundle, "--samples", 4, "--population", 100, "--attribute", "light_3")
    assert result.exit_code == 0, result.output
    assert "not an identity network" in result.stdout
    assert "reached against asked" in result.stdout
    assert "light_3" in result.stdout


def test_what_cannot_be_measured_is_said_in_a_sentence(bundle: Path, tmp_path: Path) -> None:
    unknown = run(bundle, "--attribute", "hat")
    assert (unknown.exit_code, "no attribute 'hat'" in unknown.output) == (2, True)
    missing = run(tmp_path / "nowhere")
    assert missing.exit_code == 3
    bare = write_tiny(tmp_path, flow=None)
    without = run(bare)
    assert (without.exit_code, "no flow or no attribute network" in without.output) == (1, True)


def test_a_flow_of_another_width_is_refused_with_both_sizes(tmp_path: Path) -> None:
    result = run(write_tiny(tmp_path, flow_dim=12))
    assert result.exit_code == 2
    assert "rows of 12 numbers" in result.output and "have 16" in result.output
