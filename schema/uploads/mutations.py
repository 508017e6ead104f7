"""What can be changed. Every payload carries its expected failures as ``userErrors``."""

import strawberry

from resolvers import uploads
from schema.accounts.types import LoginInput, RegisterInput, RegisterPayload, SessionPayload, VerifyOtpInput
from schema.cost.directives import Cost
from schema.execution.errors import UserError, settle
from schema.relay.node import RequestInfo
from schema.uploads.types import InitUploadInput, ReportedChunk, Upload, UploadPayload
from services.uploads.direct import Report
from storage.uploads import models

#: A transaction, at least: everybody's writes wait for each other.
CHANGE = Cost(weight="10")
#: argon2 takes 64 MiB and as long as it does on purpose, on all cores.
PASSWORD = Cost(weight="50")
#: The same, and a mail, which somebody gets who may not have asked for it.
PASSWORD_AND_MAIL = Cost(weight="100")
#: A code is guessed at; what a guess costs is what protects it beside the five attempts.
GUESS = Cost(weight="20")
#: The disk reserves the file's bytes, and the quota is summed over the account's tables.
RESERVATION = Cost(weight="20")
#: Minutes of ffmpeg, or all of a file's bytes read again.
WORK = Cost(weight="50")


@strawberry.type(directives=[Cost(weight="0")])
class Mutation:
    @strawberry.mutation(
        description="Begin an account: a six-digit code goes to the address.", directives=[PASSWORD_AND_MAIL]
    )
    async def register(self, info: RequestInfo, input: RegisterInput) -> RegisterPayload:  # noqa: A002
        work = info.context.services.accounts.register(
            user_id=input.user_id, user_name=input.user_name, email=input.email, password=input.password
        )
        return await RegisterPayload.settle(work)

    @strawberry.mutation(description="Create the account with the code from the mail, and sign in.", directives=[GUESS])
    async def verify_otp(self, info: RequestInfo, input: VerifyOtpInput) -> SessionPayload:  # noqa: A002
        return await SessionPayload.settle(info.context.services.accounts.verify_otp(email=input.email, otp=input.otp))

    @strawberry.mutation(description="Sign in.", directives=[PASSWORD])
    async def login(self, info: RequestInfo, input: LoginInput) -> SessionPayload:  # noqa: A002
        work = info.context.services.accounts.login(user_id=input.user_id, password=input.password)
        return await SessionPayload.settle(work)

    @strawberry.mutation(description="Swap a refresh token for a new pair of tokens.", directives=[CHANGE])
    async def refresh_session(self, info: RequestInfo, refresh_token: str) -> SessionPayload:
        return await SessionPayload.settle(info.context.services.accounts.refresh(refresh_token))

    @strawberry.mutation(description="Begin an upload: reserve its place and get its slots.", directives=[RESERVATION])
    async def init_upload(self, info: RequestInfo, input: InitUploadInput) -> UploadPayload:  # noqa: A002
        async def work() -> models.Upload:
            return await uploads.init_upload(info.context, input.to_domain())

        return await UploadPayload.settle(work())

    @strawberry.mutation(
        description="Ask whether all is there. The last chunk starts the rest by itself.", directives=[CHANGE]
    )
    async def complete_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.settle(uploads.complete_upload(info.context, upload_id))

    # A page of the store's parts is listed for every thousand slots between the first and the last one.
    @strawberry.mutation(
        description="Get receipts for chunks of a `direct` upload, 1 to 1000 at once. Those that the store does not "
        "have as they are reported are `userErrors`; the others count. The last one starts the rest.",
        directives=[WORK],
    )
    async def report_chunks(
        self, info: RequestInfo, upload_id: strawberry.ID, chunks: list[ReportedChunk]
    ) -> UploadPayload:
        reports = [Report(one.index, one.etag, one.sha256) for one in chunks]
        found, errors = await settle(uploads.report_chunks(info.context, upload_id, reports))
        row, refused = found or (None, [])
        return UploadPayload(
            upload=Upload.of(row) if row else None,
            user_errors=[*errors, *(UserError.of_argument(one) for one in refused)],
        )

    @strawberry.mutation(description="Give an upload up.", directives=[CHANGE])
    async def abort_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.settle(uploads.abort_upload(info.context, upload_id))

    @strawberry.mutation(
        description="Try again what failed: the compression of a READY upload, or the reassembly of a FAILED one "
        "whose bytes are still there.",
        directives=[WORK],
    )
    async def retry_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.settle(uploads.retry_upload(info.context, upload_id))
