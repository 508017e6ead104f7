"""Payloads of mutations of uploads."""

from collections.abc import Awaitable
from typing import Self

import strawberry

from schema.cost.directives import Cost
from schema.execution.errors import UserError, to_payload, user_errors
from schema.uploads.types import Upload
from services.core.errors import ExpectedError
from storage.uploads import models


@strawberry.type
class _UploadPayload:
    upload: Upload | None = strawberry.field(description="The upload as it is now; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Upload]) -> Self:
        """Await the work, and return its result or its errors."""
        row, errors = await to_payload(work)
        return cls(upload=Upload.of(row) if row else None, user_errors=errors)


@strawberry.type(description="The result of `initUpload`.")
class InitUploadPayload(_UploadPayload):
    pass


@strawberry.type(
    description="The result of one file of `initUploads`.",
    # The lookups, the rows and the reserved space of one more file.
    directives=[Cost(weight="2")],
)
class InitUploadResult(_UploadPayload):
    pass


@strawberry.type(description="The result of `initUploads`.")
class InitUploadsPayload:
    results: list[InitUploadResult] = strawberry.field(
        description="The upload of each file, or its errors, in the order of the input; empty if there are "
        "`userErrors`."
    )
    user_errors: list[UserError] = user_errors("The reasons why no upload was started.")

    @classmethod
    async def of(cls, work: Awaitable[list[models.Upload | ExpectedError]]) -> Self:
        """Await the work, and return its results or its errors."""
        outcomes, errors = await to_payload(work)
        results = [_result(index, outcome) for index, outcome in enumerate(outcomes or ())]
        return cls(results=results, user_errors=errors)


def _result(index: int, outcome: models.Upload | ExpectedError) -> InitUploadResult:
    if not isinstance(outcome, ExpectedError):
        return InitUploadResult(upload=Upload.of(outcome), user_errors=[])
    place = ("uploads", str(index))
    errors = [UserError.of(error, place) for error in (outcome, *outcome.others)]
    return InitUploadResult(upload=None, user_errors=errors)


@strawberry.type(description="The result of `completeUpload`.")
class CompleteUploadPayload(_UploadPayload):
    pass


@strawberry.type(description="The result of `abortUpload`.")
class AbortUploadPayload(_UploadPayload):
    pass


@strawberry.type(description="The result of `retryUpload`.")
class RetryUploadPayload(_UploadPayload):
    pass


@strawberry.type(description="The result of `reportChunks`.")
class ReportChunksPayload:
    upload: Upload | None = strawberry.field(
        description="The upload as it is now; null if no report was examined, such as for an unknown upload."
    )
    user_errors: list[UserError] = user_errors("The reasons why chunks were not accepted. All other chunks were.")

    @classmethod
    async def of(cls, work: Awaitable[tuple[models.Upload, list[ExpectedError]]]) -> Self:
        """Await the work, and return both its result and its errors: a report may be right for some chunks only."""
        result, errors = await to_payload(work)
        row, refusals = result or (None, [])
        refused = [UserError.of(refusal) for refusal in refusals]
        return cls(upload=Upload.of(row) if row else None, user_errors=[*errors, *refused])
