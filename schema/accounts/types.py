"""Accounts and sessions."""

from collections.abc import Awaitable
from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import accounts
from resolvers.accounts import Space
from schema.cost.directives import Cost
from schema.execution.errors import USER_ERRORS, UserError, to_payload
from schema.relay.node import RequestInfo
from schema.scalars import ByteSize
from services.accounts.types import OpenSession
from services.accounts.types import Registration as PendingRegistration
from storage.accounts import models


@strawberry.type(description="How much room somebody has. What several files share counts once.")
class Storage:
    quota: ByteSize | None = strawberry.field(description="What `used` and `reserved` may come to; null is no limit.")
    used: ByteSize = strawberry.field(description="All that is stored: `originals` and `derived`.")
    originals: ByteSize = strawberry.field(description="What was uploaded.")
    derived: ByteSize = strawberry.field(description="What was made of it, such as compressed videos.")
    reserved: ByteSize = strawberry.field(description="What open uploads will take.")

    @classmethod
    def of(cls, space: Space) -> "Storage":
        """The GraphQL form of an account's room."""
        return cls(
            quota=None if space.quota is None else ByteSize(space.quota),
            used=ByteSize(space.used),
            originals=ByteSize(space.originals),
            derived=ByteSize(space.derived),
            reserved=ByteSize(space.reserved),
        )


@strawberry.type(description="A person with files.")
class Account:
    key: strawberry.Private[UUID]
    row: strawberry.Private[models.Account | None]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(self.key))

    @strawberry.field
    async def user_id(self, info: RequestInfo) -> str:
        return (await self._load(info)).user_id

    @strawberry.field
    async def user_name(self, info: RequestInfo) -> str:
        return (await self._load(info)).name

    @strawberry.field
    async def email(self, info: RequestInfo) -> str:
        return (await self._load(info)).email

    @strawberry.field
    async def created_at(self, info: RequestInfo) -> datetime:
        return (await self._load(info)).created_at

    # Summed over the account's files, renditions and uploads each time.
    @strawberry.field(description="How much room there is, and what takes it.", directives=[Cost(weight="5")])
    async def storage(self, info: RequestInfo) -> Storage:
        return Storage.of(await accounts.storage_usage(info.context, self.key))

    @classmethod
    def of(cls, row: models.Account) -> "Account":
        """The GraphQL form of a row."""
        return cls(key=row.id, row=row)

    async def _load(self, info: RequestInfo) -> models.Account:
        """The row, which is read once it is asked for: a token says who somebody is, and many want no more."""
        return self.row or await accounts.load_account(info.context, self.key)


@strawberry.type(description="A registration that waits for the code that was mailed.")
class Registration:
    email: str
    expires_at: datetime


@strawberry.type(description="A sign-in.")
class Session:
    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …`.")
    refresh_token: str = strawberry.field(
        description="Swap it for a new pair by `refreshSession`. It works once. Where the answer was lost it can be "
        "sent again for half a minute, and gives the same refresh token; later that closes the session."
    )
    expires_at: datetime = strawberry.field(description="When the access token expires.")
    account: Account


@strawberry.input
class RegisterInput:
    user_id: str = strawberry.field(description="3 to 32 letters, digits, dots, dashes or underscores.")
    user_name: str
    email: str
    password: str = strawberry.field(description="8 to 1024 characters.")


@strawberry.input
class VerifyOtpInput:
    email: str
    otp: str


@strawberry.input
class LoginInput:
    user_id: str
    password: str


@strawberry.type
class RegisterPayload:
    registration: Registration | None
    user_errors: list[UserError] = strawberry.field(directives=[USER_ERRORS])

    @classmethod
    async def to_payload(cls, work: Awaitable[PendingRegistration]) -> "RegisterPayload":
        """Wait for the work, and turn its end into a payload."""
        done, errors = await to_payload(work)
        registration = Registration(email=done.email, expires_at=done.expires_at) if done else None
        return cls(registration=registration, user_errors=errors)


@strawberry.type
class SessionPayload:
    session: Session | None
    user_errors: list[UserError] = strawberry.field(directives=[USER_ERRORS])

    @classmethod
    async def to_payload(cls, work: Awaitable[OpenSession]) -> "SessionPayload":
        """Wait for the work, and turn its end into a payload."""
        done, errors = await to_payload(work)
        return cls(session=_session(done) if done else None, user_errors=errors)


def _session(opened: OpenSession) -> Session:
    return Session(
        access_token=opened.access_token,
        refresh_token=opened.refresh_token,
        expires_at=opened.expires_at,
        account=Account.of(opened.account),
    )
