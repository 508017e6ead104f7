"""The limit on the work of an analysis, so that no document can keep the server busy."""

from services.core.errors import CloudKeepError, ErrorCode

#: The most steps for the analysis of one operation, and of all operations of a document together. A step takes 0.3 to
#: 1.2 microseconds. GraphiQL's introspection takes 1,700 steps, and a document of 1,500 tokens up to 5,000 if its
#: fragments do not combine.
MAX_STEPS = 15_000
#: Levels of fields: far more than the limit on the depth of operations, and far fewer than Python's stack allows.
MAX_NESTING = 50


class OperationTooComplex(CloudKeepError):
    """A GraphQL operation exceeds a hard limit: ``limit`` is the limit's name, ``actual`` the operation's number.

    If counting has stopped early, ``actual`` is the count until then, which is also above ``maximum``.
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
        """The code, the name of the limit, its maximum and the actual number."""
        return {**super().extensions, "limit": self.limit, "maximum": self.maximum, "actual": self.actual}


class WorkLimit:
    """Counts the steps of an analysis."""

    def __init__(self, maximum: int = MAX_STEPS) -> None:
        self._maximum = maximum
        self.used = 0

    def take(self, count: int = 1) -> None:
        """Count more steps. Raises :class:`OperationTooComplex` above the maximum."""
        self.used += count
        if self.used > self._maximum:
            raise OperationTooComplex(
                "The operation is too complex to be priced: its fragments and fields combine in too many ways.",
                limit="analysis",
                maximum=self._maximum,
                actual=self.used,
            )


def check_nesting(depth: int) -> None:
    """Raise :class:`OperationTooComplex` if ``depth`` is above the limit on levels of fields."""
    if depth > MAX_NESTING:
        raise OperationTooComplex(
            "The operation is nested too deeply.", limit="depth", maximum=MAX_NESTING, actual=depth
        )
