"""The edit stages of one model, each remembered by the key of its input:

    mixed ws -> attributes at the base -> target -> flow, corrected if the document asks for it -> directions

Everything here runs on the engine's compute thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from models.bundle import Bundle
from models.editing.attribute_edit import Edit, EditStart, apply_edits, start_edit
from models.editing.directions import apply_directions
from models.editing.errors import EditError
from models.editing.layer_rules import LayerRules, layer_rules
from models.editing.locks import (
    Response,
    edit_with_locks,
    joined_responses,
    measure_response,
)
from models.editing.targets import attribute_columns, check_flow_fits
from models.styleflow.fixed_steps import FlowTooSteep
from models.styleflow.flow import ConditionalFlow
from models.styleflow.network import IntegrationError
from models.stylegan2.native.memory import SynthesisMemory
from server.documents import Document
from server.engine.asked_attributes import asked_attributes, asked_columns, base_attributes
from server.engine.attribute_stage import AttributeStage
from server.engine.cache import StageCache
from server.engine.compute import outcome
from server.engine.known_directions import KnownDirections, Moves
from server.engine.mixed_face import MixedFace
from server.problems import Problem

CAPACITY = 64


@dataclass(frozen=True)
class _Planned:
    """An edit that only the flow is left to do for."""

    key: str
    edit: Edit
    moves: Moves


class EditStages:
    """What was computed lately of the edits of one model. Raises Problem and EditError, IntegrationError."""

    def __init__(self, bundle: Bundle, directions: KnownDirections, activations: SynthesisMemory) -> None:
        self.attributes = AttributeStage(bundle, activations)
        self._bundle, self._directions = bundle, directions
        self._starts: StageCache[EditStart] = StageCache(CAPACITY)
        self._responses: StageCache[Response] = StageCache(CAPACITY)  # of one column each
        self._edits: StageCache[Tensor] = StageCache(CAPACITY)
        self._rules: StageCache[LayerRules] = StageCache(CAPACITY)
        self._too_steep: FlowTooSteep | None = None  # found out once: trying all steps takes seconds

    def key(self, document: Document, face: str, *, corrected: bool) -> str:
        """What the edited face of a document is remembered by; face itself where nothing is edited."""
        moves = sorted(
            (str(m.direction), m.strength, m.layers or ()) for m in document.directions if m.strength
        )
        if not document.edits_attributes and not moves:
            return face
        light = document.light.model_dump() if document.light else None
        correction = None
        if corrected and document.is_corrected:
            correction = [sorted(set(document.locks)), document.calibrated]
        flow = [
            sorted(document.base_attributes.items()),
            sorted(document.attributes.items()),
            light,
            sorted(document.layers.items()),
        ]
        return json.dumps(["edited", face, flow, moves, correction])

    def edited(self, document: Document, face: MixedFace) -> Tensor:
        """ws of the edited face; face.ws itself where nothing is edited."""
        if not document.is_corrected:
            return self._finished(self._planned(document, face))
        key = self.key(document, face.key, corrected=True)
        return self._edits.get_or_compute(key, lambda: self._corrected(document, face))

    def begin(self, document: Document, face: MixedFace) -> None:
        """Encode the face under its attributes, which takes longer than an edit."""
        self._start(_start_key(document, face), face, self._base(document, face))

    def previews(self, faces: Sequence[tuple[Document, MixedFace]]) -> list[Tensor | Exception]:
        """ws of each edited face without locks and calibration, which is quick; or why there is none.

        What the flow has to do for all of them it does together. The last bits of that depend on who else is
        there, so it is not remembered: a finished picture depends on its document alone.
        """
        plans = [outcome(partial(self._planned, document, face)) for document, face in faces]
        waiting = {plan.key: plan for plan in plans if isinstance(plan, _Planned)}
        together: dict[str, Tensor] = {}
        if len(waiting) > 1:
            with suppress(EditError, IntegrationError):  # below, each is tried alone
                together = dict(zip(waiting, self._applied(list(waiting.values())), strict=True))
        return [self._preview(plan, together) for plan in plans]

    def _base(self, document: Document, face: MixedFace) -> Tensor:
        return base_attributes(document, self.attributes.estimated(face))

    def _planned(self, document: Document, face: MixedFace) -> Tensor | _Planned:
        """The edit without its corrections; its result where that is known or needs no flow."""
        moves = self._moves(document)
        key = self.key(document, face.key, corrected=False)
        known = face.ws if key == face.key else self._edits.get(key)
        if known is not None:
            return known
        if document.edits_attributes:
            base = self._base(document, face)
            target = asked_attributes(document, base)
            if not torch.equal(target, base):
                start = self._start(_start_key(document, face), face, base)
                return _Planned(key, Edit(start, target, self._rules_of(document)), moves)
        ws = apply_directions(face.ws, moves)
        self._edits.put(key, ws)
        return ws

    def _preview(
        self, plan: Tensor | _Planned | Exception, together: Mapping[str, Tensor]
    ) -> Tensor | Exception:
        if isinstance(plan, Exception):
            return plan
        if isinstance(plan, _Planned) and plan.key in together:
            return together[plan.key]
        return outcome(partial(self._finished, plan))

    def _finished(self, plan: Tensor | _Planned) -> Tensor:
        if isinstance(plan, Tensor):
            return plan
        return self._edits.get_or_compute(plan.key, lambda: self._applied([plan])[0])

    def _applied(self, plans: Sequence[_Planned]) -> list[Tensor]:
        edited = apply_edits(self._flow(), [plan.edit for plan in plans])
        return [apply_directions(ws, plan.moves) for plan, ws in zip(plans, edited, strict=True)]

    def _corrected(self, document: Document, face: MixedFace) -> Tensor:
        """With its locks and calibration."""
        moves = self._moves(document)
        base = self._base(document, face)
        target = asked_attributes(document, base)
        if torch.equal(target, base) and not moves:
            return face.ws
        start_key = _start_key(document, face)
        start, rules = self._start(start_key, face, base), self._rules_of(document)
        asked = asked_columns(document)
        locked = tuple(set(attribute_columns(document.locks)) - set(asked))
        calibrated = asked if document.calibrated else ()
        columns = tuple(sorted({*locked, *calibrated}))
        response = self._response(start_key, start, face, columns, rules)
        edit = edit_with_locks(
            self._flow(),
            start,
            target,
            self.attributes.reader(face.generator),
            response,
            locked=locked,
            calibrated=calibrated,
            rules=rules,
            afterwards=partial(apply_directions, moves=moves) if moves else None,
        )
        return edit.ws

    def _moves(self, document: Document) -> Moves:
        bundle = self._bundle
        return self._directions.moves(document, bundle.generator, bundle.manifest.generator.sha256)

    def _response(
        self, start_key: str, start: EditStart, face: MixedFace, columns: tuple[int, ...], rules: LayerRules
    ) -> Response:
        """Measured column by column, so that locking one more attribute measures one more."""
        reading = self.attributes.reading(face.key, face.ws, face.generator)
        if not columns:  # every lock is on what is edited
            nothing = reading.new_zeros(*reading.shape, 0)
            return Response((), reading, nothing)
        reader = self.attributes.reader(face.generator)
        parts = []
        for column in columns:
            key = json.dumps([start_key, rules.layers[column], column])
            measure = partial(measure_response, self._flow(), start, reader, (column,), rules, reading)
            parts.append(self._responses.get_or_compute(key, measure))
        return joined_responses(parts)

    def _start(self, key: str, face: MixedFace, base: Tensor) -> EditStart:
        flow = self._flow()
        check_flow_fits(flow, self._bundle.generator)
        if self._too_steep is not None:
            raise self._too_steep
        try:
            return self._starts.get_or_compute(key, lambda: start_edit(flow, face.ws, base))
        except FlowTooSteep as error:
            self._too_steep = error
            raise

    def _rules_of(self, document: Document) -> LayerRules:
        stored: Mapping[str, tuple[int, ...]] = self._bundle.manifest.layers or {}
        num_ws = self._bundle.generator.num_ws
        key = json.dumps(sorted(document.layers.items()))
        return self._rules.get_or_compute(key, lambda: layer_rules(num_ws, {**stored, **document.layers}))

    def _flow(self) -> ConditionalFlow:
        if self._bundle.flow is None:
            raise Problem("not_editable", "The model comes without a flow.")
        return self._bundle.flow


def _start_key(document: Document, face: MixedFace) -> str:
    return json.dumps([face.key, sorted(document.base_attributes.items())])
