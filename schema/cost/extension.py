"""``extensions.cost``, in the shape that Shopify's clients know, beside every answer.

https://shopify.dev/docs/api/usage/rate-limits#rate-limits-for-the-graphql-admin-api
"""

from collections.abc import Iterable, Mapping
from typing import Any

from resolvers.context import Admission
from services.budgets import LayerStatus

POINTS = "points"
EVERYBODY = "global"
#: What a request's ``extensions`` hold under ``cost`` to get the status of every layer.
EVERY_LAYER = "layers"


def cost_extension(admission: Admission, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the operation cost, and what is left in the budget that will be empty first; all of them when wanted."""
    cost: dict[str, Any] = {"requestedQueryCost": admission.requested, "actualQueryCost": admission.actual}
    layers = points_of(admission)
    if layers:
        cost["throttleStatus"] = throttle_status(tightest(layers))
    if wanted.get("cost") == EVERY_LAYER:
        cost["layers"] = [{"layer": layer.layer, **throttle_status(layer)} for layer in layers]
    return {"cost": cost}


def points_of(admission: Admission) -> list[LayerStatus]:
    """The layers that count points, but for that of everybody: how full it is is nobody's business."""
    return [layer for layer in admission.layers if layer.unit == POINTS and layer.layer != EVERYBODY]


def throttle_status(layer: LayerStatus) -> dict[str, Any]:
    """One layer in Shopify's words: points, and points per second."""
    return {
        "maximumAvailable": layer.capacity,
        "currentlyAvailable": layer.available,
        "restoreRate": layer.refill,
    }


def tightest(layers: Iterable[LayerStatus]) -> LayerStatus:
    """The layer with the least left."""
    return min(layers, key=lambda layer: layer.available)
