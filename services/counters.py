"""What happened in this process since it started, for whoever wants to know."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class BudgetCounters:
    """Only ever counted up."""

    #: Granted ones, those that the process granted alone included.
    reservations: int = 0
    refunds: int = 0
    #: By the layer that refused.
    refused: Counter[str] = field(default_factory=Counter)
    #: Refused because too many waited for their answer.
    overloaded: int = 0
    #: While the buckets were out of reach: by layer and by what then holds, ``open`` or ``closed``.
    away: Counter[tuple[str, str]] = field(default_factory=Counter)
