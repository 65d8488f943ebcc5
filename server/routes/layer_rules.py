"""Which layers edits of a model's faces change by default."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from server.access.caller import CallerDep
from server.edit_answers import layer_rules_answer
from server.edit_messages import LayerRules, LayerRulesBody
from server.engine.fit import check_layer_rules
from server.services import ServicesDep
from server.storage import layer_rules
from server.strict_json import StrictJsonRoute

router = APIRouter(prefix="/api/v1/models", tags=["models"], route_class=StrictJsonRoute)


@router.get("/{model}/layers")
async def get_layers(model: str, services: ServicesDep, user: CallerDep) -> LayerRules:
    """The rules for new documents: the model's own, or what somebody has made of them."""
    editable = await services.engine.editing.editable(model)
    stored = await run_in_threadpool(layer_rules.get, services.database, editable.generator, user.name)
    return layer_rules_answer(editable, stored)


@router.put("/{model}/layers")
async def put_layers(model: str, body: LayerRulesBody, services: ServicesDep, user: CallerDep) -> LayerRules:
    """Replace them; what is left out is the model's own. Documents that exist keep theirs."""
    check_layer_rules(body.layers, services.engine.model(model))
    editable = await services.engine.editing.editable(model)
    given = {name: sorted(set(rows)) for name, rows in body.layers.items()}
    changed = {name: rows for name, rows in given.items() if rows != list(editable.layers[name])}
    await run_in_threadpool(layer_rules.put, services.database, editable.generator, user.name, changed)
    return layer_rules_answer(editable, changed)
