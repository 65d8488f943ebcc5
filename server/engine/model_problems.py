"""What models say while they compute that a user must know, as problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from models.editing.errors import EditError
from models.projection.projector import ProjectionDiverged, ProjectionError
from models.styleflow.network import IntegrationError
from server.engine.edit_refusals import edit_problem
from server.problems import Problem


@contextmanager
def told_as_problems() -> Iterator[None]:
    """Whatever else is raised inside stays as it is."""
    try:
        yield
    except (EditError, IntegrationError) as error:
        raise edit_problem(error) from error
    except ProjectionDiverged as error:
        raise Problem("diverged", str(error)) from error
    except ProjectionError as error:
        raise Problem("not_projectable", str(error)) from error
    except torch.AcceleratorError as error:
        hint = "Restart the server: unfinished projections then go on from where they were."
        raise Problem("worker_lost", "The GPU has stopped working.", hint) from error
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        detail = "The GPU has no memory left for this; try a smaller size."
        raise Problem("gpu_out_of_memory", detail) from error
