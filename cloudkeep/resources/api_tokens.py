"""Opens the API tokens of an API process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cloudkeep.settings.settings import Settings
from services.accounts.api_tokens import ApiTokens
from services.accounts.api_tokens.mails import ApiTokenMails
from services.accounts.api_tokens.use import ApiTokenUse
from services.mail.sender import MailSender


@asynccontextmanager
async def open_api_tokens(settings: Settings, mails: MailSender) -> AsyncIterator[ApiTokens]:
    """The API tokens, with their background tasks."""
    use = ApiTokenUse()
    tokens = ApiTokens(use, ApiTokenMails(mails), settings.api_tokens)
    async with AsyncExitStack() as stack:
        await tokens.live.start()
        stack.push_async_callback(tokens.live.close)
        await use.start()
        stack.push_async_callback(use.close)
        yield tokens
