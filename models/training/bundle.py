"""Putting trained parts together into the bundle of a model."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.bundle import write_bundle


def main() -> None:
    """Command line: python -m models.training.bundle --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--flow", type=Path)
    parser.add_argument("--attributes", type=Path)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the bundle; its name names the model"
    )
    parser.add_argument("--title", default="Rendered faces 128")
    parser.add_argument(
        "--description",
        default="Synthetic faces at 128x128, learned from a renderer; no real person is in them.",
    )
    parser.add_argument("--licence", default="Apache-2.0")
    parser.add_argument("--default-psi", type=float, default=0.7)
    parser.add_argument("--seeds", type=int, nargs="*", default=(), help="faces good to open with")
    args = parser.parse_args()
    write_bundle(
        args.out,
        name=args.out.resolve().name,
        title=args.title,
        description=args.description,
        licence=args.licence,
        generator=args.generator,
        flow=args.flow,
        attributes=args.attributes,
        default_psi=args.default_psi,
        seeds=args.seeds,
    )


if __name__ == "__main__":
    main()
