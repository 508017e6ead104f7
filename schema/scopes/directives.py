"""The schema directives that say which API tokens may use a field. Clients see them in the SDL.

Each field of a root type has one of them. A field of another type has one if it shows or allows more than its parent.
A type that implements ``Node`` has one for ``node``, which loads any of them.
"""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location

from services.access.types import ANY_TOKEN, NO_TOKEN, TokenRequirement
from services.accounts import types

LOCATIONS = [Location.FIELD_DEFINITION, Location.OBJECT]


@strawberry.enum(description="What an API token may do. No scope allows to change credentials, sessions or tokens.")
class ApiTokenScope(Enum):
    READ = strawberry.enum_value("READ", description="Read and download everything in the drive.")
    UPLOAD = strawberry.enum_value("UPLOAD", description="Send files, and see the status and progress of uploads.")
    WRITE = strawberry.enum_value("WRITE", description="Change items, such as their names.")
    DELETE = strawberry.enum_value("DELETE", description="Delete items, and abort uploads.")
    ACCOUNT = strawberry.enum_value(
        "ACCOUNT",
        description="Read the address, the sessions and the list of API tokens of the account, and change its profile.",
    )
    COMPRESSOR = strawberry.enum_value("COMPRESSOR", description="Reserved for workers that compress videos.")

    def to_domain(self) -> types.ApiTokenScope:
        """The form that the services accept."""
        return types.ApiTokenScope[self.name]


@strawberry.schema_directive(
    name="scope",
    locations=LOCATIONS,
    description="An API token needs one of these scopes for the field or, on a type, to load an object of this type by "
    "`node`. Sessions may use every field.",
)
class Scope:
    any_of: list[ApiTokenScope] = strawberry.field(description="The scopes of which one is needed.")

    @property
    def requirement(self) -> TokenRequirement:
        """The form that the services accept."""
        return TokenRequirement(frozenset(scope.to_domain() for scope in self.any_of))


@strawberry.schema_directive(
    name="anyApiToken",
    locations=LOCATIONS,
    description="Every API token may use the field or, on a type, load an object of this type by `node`.",
)
class AnyApiToken:
    @property
    def requirement(self) -> TokenRequirement:
        """The form that the services accept."""
        return ANY_TOKEN


@strawberry.schema_directive(
    name="noApiToken",
    locations=LOCATIONS,
    description="No API token may use the field, whatever its scopes: it changes credentials, sessions or API tokens.",
)
class NoApiToken:
    @property
    def requirement(self) -> TokenRequirement:
        """The form that the services accept."""
        return NO_TOKEN


def scope(*any_of: ApiTokenScope) -> Scope:
    """An API token needs one of these scopes."""
    return Scope(any_of=list(any_of))


READ = scope(ApiTokenScope.READ)
UPLOAD = scope(ApiTokenScope.UPLOAD)
#: The status of uploads.
READ_OR_UPLOAD = scope(ApiTokenScope.READ, ApiTokenScope.UPLOAD)
WRITE = scope(ApiTokenScope.WRITE)
DELETE = scope(ApiTokenScope.DELETE)
ACCOUNT = scope(ApiTokenScope.ACCOUNT)
ANY_API_TOKEN = AnyApiToken()
NO_API_TOKEN = NoApiToken()
