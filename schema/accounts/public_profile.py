"""What others see of an account."""

import strawberry


@strawberry.type(description="What others see of an account.")
class Profile:
    name: str = strawberry.field(description="The name that is shown to people.")
