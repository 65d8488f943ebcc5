"""`latentloom train …`: the commands that train networks, each in a file of its own."""

from __future__ import annotations

import typer

from server.commands.train_attributes import attributes
from server.commands.train_bundle import bundle
from server.commands.train_encoder import encoder
from server.commands.train_flow import flow
from server.commands.train_generator import generator

train = typer.Typer(
    name="train",
    help="Train a generator, a flow, an attribute estimator or an encoder; put them into a "
    "bundle. Every run resumes: the same command goes on where it was stopped.",
    no_args_is_help=True,
)
for command in (generator, flow, attributes, encoder, bundle):
    train.command()(command)
