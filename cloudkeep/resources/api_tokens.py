"""Opens the API tokens of an API process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cloudkeep.settings.settings import Settings
from services.accounts.api_token_use import ApiTokenUse
from services.accounts.api_tokens import ApiTokens


@asynccontextmanager
async def open_api_tokens(settings: Settings) -> AsyncIterator[ApiTokens]:
    """The API tokens, with their background tasks."""
    use = ApiTokenUse()
    tokens = ApiTokens(use, settings.api_tokens)
    async with AsyncExitStack() as stack:
        await tokens.live.start()
        stack.push_async_callback(tokens.live.close)
        await use.start()
        stack.push_async_callback(use.close)
        yield tokens
