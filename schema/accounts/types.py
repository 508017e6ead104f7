"""Accounts and sessions."""

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers.accounts import accounts, api_tokens, sessions
from resolvers.accounts.accounts import Space
from resolvers.pages import PageArguments
from schema.accounts.api_tokens import ApiToken
from schema.cost.directives import Cost, paged
from schema.relay.connections import After, Before, Connection, First, Last, connect
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import ACCOUNT, ANY_API_TOKEN, READ_OR_UPLOAD
from services.accounts.types import OpenSession
from services.core.ids import Prefix, encode
from storage.accounts import models


@strawberry.type(
    description="The storage that an account uses, in bytes. Files with the same content are stored and counted once."
)
class Storage:
    quota: ByteSize | None = strawberry.field(
        description="The limit for the sum of `used` and `reserved`; null if there is no limit."
    )
    used: ByteSize = strawberry.field(description="The bytes that are stored: the sum of `originals` and `derived`.")
    originals: ByteSize = strawberry.field(description="The bytes of uploaded files.")
    derived: ByteSize = strawberry.field(description="The bytes of renditions, such as compressed videos.")
    reserved: ByteSize = strawberry.field(
        description="The bytes that are reserved for open uploads, and for failed ones that can be retried."
    )

    @classmethod
    def of(cls, space: Space) -> "Storage":
        """The GraphQL form of an account's storage."""
        return cls(
            quota=None if space.quota is None else ByteSize(space.quota),
            used=ByteSize(space.used),
            originals=ByteSize(space.originals),
            derived=ByteSize(space.derived),
            reserved=ByteSize(space.reserved),
        )


@strawberry.type(description="An account, as its owner sees it.", directives=[ANY_API_TOKEN])
class Account(Node):
    key: strawberry.Private[UUID]
    row: strawberry.Private[models.Account | None]

    @strawberry.field(description="The name to sign in with. It is unique and never changes.")
    async def user_id(self, info: RequestInfo) -> str:
        return (await self._load(info)).user_id

    @strawberry.field(description="The name that is shown to people.")
    async def user_name(self, info: RequestInfo) -> str:
        return (await self._load(info)).name

    @strawberry.field(description="The verified e-mail address.", directives=[ACCOUNT])
    async def email(self, info: RequestInfo) -> str:
        return (await self._load(info)).email

    @strawberry.field(description="Whether the account is an administrator of the server.")
    async def is_admin(self, info: RequestInfo) -> bool:
        return (await self._load(info)).is_admin

    @strawberry.field(description="The language of mails, a tag of BCP 47; null is the server's.")
    async def locale(self, info: RequestInfo) -> str | None:
        return (await self._load(info)).locale

    @strawberry.field(description="When the account was created.")
    async def created_at(self, info: RequestInfo) -> datetime:
        return (await self._load(info)).created_at

    # The sums over the account's files, renditions and uploads are computed for each request.
    @strawberry.field(
        description="The storage that the account uses, and its quota.",
        directives=[Cost(weight="5"), READ_OR_UPLOAD],
    )
    async def storage(self, info: RequestInfo) -> Storage:
        return Storage.of(await accounts.storage_usage(info.context, self.key))

    @strawberry.field(
        description="The sessions of the account that are open, newest first.", directives=[paged(), ACCOUNT]
    )
    async def sessions(
        self,
        info: RequestInfo,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection["Session"]:
        context = info.context
        page = await sessions.sessions_page(context, PageArguments(first, after, last, before))
        return connect(
            page, lambda row: Session.of(row, current=sessions.is_current(context, row)), lambda row: str(row.id)
        )

    @strawberry.field(description="The API tokens of the account, newest first.", directives=[paged(), ACCOUNT])
    async def api_tokens(
        self, info: RequestInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiToken]:
        page = await api_tokens.page(info.context, self.key, PageArguments(first, after, last, before))
        return connect(page, ApiToken.of, lambda row: str(row.id))

    @classmethod
    def of(cls, row: models.Account) -> "Account":
        """The GraphQL form of a row."""
        return cls(id=strawberry.ID(encode(Prefix.ACCOUNT, row.id)), key=row.id, row=row)

    @classmethod
    def of_key(cls, key: UUID) -> "Account":
        """The account with this key, as the access token names it. Its row is read only if a field needs it."""
        return cls(id=strawberry.ID(encode(Prefix.ACCOUNT, key)), key=key, row=None)

    async def _load(self, info: RequestInfo) -> models.Account:
        return self.row or await accounts.load_account(info.context, self.key)


@strawberry.type(description="A registration that is not confirmed yet.")
class Registration:
    id: strawberry.ID = strawberry.field(description="The ID, which `verifyOtp` needs beside the code.")
    email: str = strawberry.field(description="The e-mail address that the code was sent to.")
    expires_at: datetime = strawberry.field(description="When the code expires: after 10 minutes by default.")

    @classmethod
    def of(cls, row: models.Registration) -> "Registration":
        """The GraphQL form of a row."""
        return cls(id=strawberry.ID(encode(Prefix.REGISTRATION, row.id)), email=row.email, expires_at=row.expires_at)


@strawberry.type(
    description="A session of an account: it begins with a sign-in on one device. Only `SignIn` has its tokens.",
    directives=[ACCOUNT],
)
class Session(Node):
    created_at: datetime = strawberry.field(description="When the account signed in.")
    last_used_at: datetime = strawberry.field(
        description="When the session was last used. It is stored once a minute, so it may be a minute late."
    )
    user_agent: str | None = strawberry.field(
        description="The `User-Agent` of the client that used the session last; null if it sent none."
    )
    address: str | None = strawberry.field(
        description="The network address of the client that used the session last; null if it is not known."
    )
    expires_at: datetime = strawberry.field(
        description="When the session ends: by default 30 days after it was opened or last refreshed, or last used "
        "with a cookie, and at the latest 180 days after it was opened."
    )
    current: bool = strawberry.field(
        description="Whether the access token or the cookie of this request belongs to the session."
    )

    @classmethod
    def of(cls, row: models.Session, *, current: bool) -> "Session":
        """The GraphQL form of a row."""
        return cls(
            id=strawberry.ID(encode(Prefix.SESSION, row.id)),
            created_at=row.created_at,
            last_used_at=row.last_used_at or row.rotated_at or row.created_at,
            user_agent=row.user_agent,
            address=row.address or None,
            expires_at=sessions.expires_at(row),
            current=current,
        )


@strawberry.type(description="A session that was just opened or refreshed, with its tokens.")
class SignIn:
    access_token: str | None = strawberry.field(
        description="The access token, which is valid until `expiresAt`; null if the session has a cookie. Send it in "
        "the header `Authorization: Bearer TOKEN`."
    )
    refresh_token: str | None = strawberry.field(
        description="The refresh token, which `refreshSession` exchanges for new tokens; null if the session has a "
        "cookie. It can be used once. If the response is lost, it can be sent again within 30 seconds, which returns "
        "the same new refresh token. Using it later closes the session."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the access token expires: by default 15 minutes after it was issued; null without one."
    )
    device_token: str | None = strawberry.field(
        description="A token that tells this device from others, for `LoginInput.deviceToken`. Without the "
        "password it opens nothing. It is valid for a year. Null if the session was only refreshed, or "
        "has a cookie: then the token is in another cookie."
    )
    account: Account = strawberry.field(description="The account that is signed in.")
    session: Session = strawberry.field(description="The session that the tokens belong to.")

    @classmethod
    def of(cls, opened: OpenSession) -> "SignIn":
        """The GraphQL form of an open session."""
        return cls(
            access_token=opened.access_token or None,
            refresh_token=opened.refresh_token or None,
            expires_at=None if opened.cookie else opened.expires_at,
            device_token=opened.device_token,
            account=Account.of(opened.account),
            session=Session.of(opened.session, current=True),
        )
