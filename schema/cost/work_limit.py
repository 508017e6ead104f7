"""The bound on the work of an analysis: whoever writes a document must not be able to keep the server thinking."""

from services.core.errors import CloudKeepError, ErrorCode

#: Steps of one analysis, and of all in a document together, each 0.3 to 1.2 microseconds. GraphiQL's introspection
#: takes 1,700, and a document of 1,500 tokens up to 5,000 where its fragments do not combine.
MAX_STEPS = 15_000
#: Fields below each other. Far above the limit on the depth of operations, and far below that of Python's stack.
MAX_NESTING = 50


class OperationTooComplex(CloudKeepError):
    """A GraphQL operation is above a hard limit: ``limit`` names it, and ``actual`` is what the operation has.

    Where counting stopped early, ``actual`` is how far it got, which is above ``maximum``, too.
    """

    code = ErrorCode.OPERATION_TOO_COMPLEX
    status = 400

    def __init__(self, message: str, *, limit: str, maximum: int, actual: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.maximum = maximum
        self.actual = actual

    @property
    def extensions(self) -> dict[str, object]:
        """The code, and which limit it is."""
        return {**super().extensions, "limit": self.limit, "maximum": self.maximum, "actual": self.actual}


class WorkLimit:
    """Counts how much work an analysis has done."""

    def __init__(self, maximum: int = MAX_STEPS) -> None:
        self._maximum = maximum
        self.used = 0

    def take(self, count: int = 1) -> None:
        """Do so many steps more. Raises :class:`OperationTooComplex` beyond the maximum."""
        self.used += count
        if self.used > self._maximum:
            raise OperationTooComplex(
                "The operation is too complex to be priced: its fragments and fields combine in too many ways.",
                limit="analysis",
                maximum=self._maximum,
                actual=self.used,
            )


def check_nesting(depth: int) -> None:
    """Raises :class:`OperationTooComplex` when fields lie too deep below each other."""
    if depth > MAX_NESTING:
        raise OperationTooComplex(
            "The operation is nested too deeply.", limit="depth", maximum=MAX_NESTING, actual=depth
        )
