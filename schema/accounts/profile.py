"""The mutation of the profile, with its input and payload."""

from collections.abc import Awaitable
from typing import Annotated, Self

import strawberry

from resolvers.accounts import profile
from schema.accounts.types import Account
from schema.cost.directives import CHANGE
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import ACCOUNT
from services.accounts.types import ProfileChanges
from storage.accounts import models


@strawberry.input(description="The input of `updateProfile`. Fields that are left out stay as they are.")
class UpdateProfileInput:
    user_name: str | None = strawberry.field(
        default=None, description="The name that is shown to people: 1 to 100 characters, none of which is invisible."
    )
    locale: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The language of mails, a tag of BCP 47 such as `de-AT`, of at most 35 characters; null is the "
        "server's.",
    )

    def to_domain(self) -> ProfileChanges:
        """The form that the services accept."""
        if self.locale is strawberry.UNSET:
            return ProfileChanges(self.user_name)
        return ProfileChanges(self.user_name, self.locale, changes_locale=True)


@strawberry.type(description="The result of `updateProfile`.")
class UpdateProfilePayload:
    account: Account | None = strawberry.field(description="The account; null if there are errors.")
    user_errors: list[UserError] = user_errors()

    @classmethod
    async def of(cls, work: Awaitable[models.Account]) -> Self:
        """Await the work, and return its result or its errors."""
        result, errors = await to_payload(work)
        return cls(account=Account.of(result) if result else None, user_errors=errors)


@strawberry.type
class ProfileMutations:
    @strawberry.mutation(
        description="Changes the name of the viewer or the language of mails.", directives=[CHANGE, ACCOUNT]
    )
    async def update_profile(
        self, info: RequestInfo, input: Annotated[UpdateProfileInput, INPUT]
    ) -> UpdateProfilePayload:
        return await UpdateProfilePayload.of(profile.update(info.context, input.to_domain()))
