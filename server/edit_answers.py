"""Rows, tasks and readings of edits as the answers that describe them."""

from __future__ import annotations

from dataclasses import asdict

from server.documents import Document
from server.edit_messages import (
    Attributes,
    Candidate,
    Direction,
    Film,
    LayerRules,
    LightOf,
    Likeness,
    Sample,
    Task,
    TaskError,
)
from server.engine.editing_interface import EditableModel, Editing, FoundDirection, LampReading
from server.storage.tables import DirectionRow
from server.tasks import KeptFilm, KeptSample, RunningTask

ESTIMATING = Attributes(
    state="estimating",
    source="likelihood",
    estimated={},
    base={},
    target={},
    reached=None,
    light=None,
    target_light=None,
    moved=None,
    likeness=None,
)


async def attributes_answer(editing: Editing, document: Document) -> Attributes:
    """Of the final picture of a document. Raises Problem."""
    reading = await editing.attributes(document)
    likeness = await editing.likeness(document)
    return Attributes(
        state="ready",
        source=reading.source,
        estimated=reading.estimated,
        base=reading.base,
        target=reading.target,
        reached=reading.reached,
        light=_light(reading.light),
        target_light=_light(reading.target_light),
        moved=reading.moved,
        likeness=Likeness(
            distance=likeness.distance, judge=likeness.judge, identity_network=False, note=likeness.note
        ),
    )


def layer_rules_answer(model: EditableModel, stored: dict[str, list[int]]) -> LayerRules:
    """stored: what somebody has changed of the model's own rules."""
    return LayerRules(
        generator=model.generator,
        num_ws=model.num_ws,
        layers={**model.layers, **stored},
        bundled=dict(model.layers),
        stored=bool(stored),
    )


def direction_answer(row: DirectionRow) -> Direction:
    """The answer that describes a stored direction."""
    return Direction(
        id=row.id,
        generator=row.generator,
        name=row.name,
        method=row.method,
        layers=row.layers,
        scale=row.scale,
        minimum=row.minimum,
        maximum=row.maximum,
        explained=row.explained,
        created_at=row.created_at,
        file_url=f"/api/v1/directions/{row.id}/file",
    )


def task_answer(task: RunningTask) -> Task:
    """The answer that describes a task as it stands."""
    found = (part for part in task.result if isinstance(part, FoundDirection))
    candidates = [_candidate(index, direction) for index, direction in enumerate(found)]
    samples = [_sample(part) for part in task.result if isinstance(part, KeptSample)]
    film = next((_film(task, part) for part in task.result if isinstance(part, KeptFilm)), None)
    done, problem = task.state == "succeeded", task.problem
    return Task(
        id=task.id,
        kind=task.kind,
        model=task.model,
        state=task.state,
        step=task.step,
        total=task.total,
        note=task.note,
        error=None if problem is None else TaskError(code=problem.code, detail=problem.detail),
        candidates=candidates if done and task.kind == "directions" else None,
        samples=samples if done and task.kind == "samples" else None,
        film=film if done else None,
        created_at=task.created_at,
    )


def _candidate(index: int, found: FoundDirection) -> Candidate:
    return Candidate(
        index=index,
        name=found.name,
        method=found.method,
        layers=list(found.layers),
        scale=found.scale,
        minimum=found.minimum,
        maximum=found.maximum,
        explained=found.explained,
    )


def _sample(sample: KeptSample) -> Sample:
    url = f"/api/v1/latents/{sample.latent}/picture"
    return Sample(latent=sample.latent, picture_url=url, asked=sample.asked, reached=sample.reached)


def _film(task: RunningTask, film: KeptFilm) -> Film:
    return Film(
        url=f"/api/v1/tasks/{task.id}/film",
        format=film.format,
        bytes=film.bytes,
        frames=film.frames,
        seconds=film.seconds,
        size=film.size,
    )


def _light(lamp: LampReading | None) -> LightOf | None:
    return None if lamp is None else LightOf(**asdict(lamp))
