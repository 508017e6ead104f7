"""``extensions.cost`` of every response, in the format of Shopify's API.

https://shopify.dev/docs/api/usage/rate-limits#rate-limits-for-the-graphql-admin-api
"""

from collections.abc import Mapping
from typing import Any

from resolvers.context import Admission
from services.budgets.limits import LayerStatus, least_available, visible_layers

POINTS = "points"
#: A request with this value of ``extensions.cost`` gets the status of every layer.
EVERY_LAYER = "layers"


def cost_extension(admission: Admission, request_extensions: Mapping[str, Any]) -> dict[str, Any]:
    """The cost of the operation and the status of the scarcest budget, or of all budgets if requested."""
    cost: dict[str, Any] = {"requestedQueryCost": admission.requested, "actualQueryCost": admission.actual}
    layers = points_of(admission)
    if scarcest := least_available(layers):
        cost["throttleStatus"] = throttle_status(scarcest)
    if request_extensions.get("cost") == EVERY_LAYER:
        cost["layers"] = [{"layer": layer.layer, **throttle_status(layer)} for layer in layers]
    return {"cost": cost}


def points_of(admission: Admission) -> list[LayerStatus]:
    """The layers that count points and are shown to clients."""
    return [layer for layer in visible_layers(admission.layers) if layer.unit == POINTS]


def throttle_status(layer: LayerStatus) -> dict[str, Any]:
    """One layer in the format of Shopify's API: points, and points per second."""
    return {
        "maximumAvailable": layer.capacity,
        "currentlyAvailable": layer.available,
        "restoreRate": layer.refill,
    }
