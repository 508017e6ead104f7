"""``extensions.cost``, in the shape that Shopify's clients know, beside every answer.

https://shopify.dev/docs/api/usage/rate-limits#rate-limits-for-the-graphql-admin-api
"""

from collections.abc import Mapping
from typing import Any

from resolvers.context import Admission
from services.budgets.limits import LayerStatus, least_available, visible_layers

POINTS = "points"
#: What a request's ``extensions`` hold under ``cost`` to get the status of every layer.
EVERY_LAYER = "layers"


def cost_extension(admission: Admission, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the operation cost, and what is left in the budget that will be empty first; all of them when wanted."""
    cost: dict[str, Any] = {"requestedQueryCost": admission.requested, "actualQueryCost": admission.actual}
    layers = points_of(admission)
    if scarcest := least_available(layers):
        cost["throttleStatus"] = throttle_status(scarcest)
    if wanted.get("cost") == EVERY_LAYER:
        cost["layers"] = [{"layer": layer.layer, **throttle_status(layer)} for layer in layers]
    return {"cost": cost}


def points_of(admission: Admission) -> list[LayerStatus]:
    """The layers that count points, as far as clients are told of them."""
    return [layer for layer in visible_layers(admission.layers) if layer.unit == POINTS]


def throttle_status(layer: LayerStatus) -> dict[str, Any]:
    """One layer in Shopify's words: points, and points per second."""
    return {
        "maximumAvailable": layer.capacity,
        "currentlyAvailable": layer.available,
        "restoreRate": layer.refill,
    }
