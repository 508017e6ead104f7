"""Opens the services of accounts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from redis.asyncio import Redis

from cloudkeep.resources.api_tokens import open_api_tokens
from cloudkeep.resources.credentials import credential_services, password_rules
from cloudkeep.resources.sessions import open_sessions
from cloudkeep.settings.settings import Settings
from services.accounts.accounts import Accounts
from services.accounts.attempts import Attempts
from services.accounts.codes import Codes
from services.accounts.passwords.passwords import Passwords
from services.accounts.registration import RegistrationPolicy, Registrations
from services.accounts.sign_in.devices import Devices
from services.accounts.sign_in.new_device_mails import NewDeviceMails
from services.accounts.sign_in.reauthentication import Reauthentication
from services.accounts.sign_in.sign_in import SignIn
from services.accounts.sign_in.sign_in_delays import LongestDelays, SignInDelays
from services.core.counters import Counters
from services.mail.sender import MailSender
from storage.accounts.registrations import RegistrationLimits
from storage.attempt_delays import LocalDelays, RedisDelays


@asynccontextmanager
async def open_accounts(
    settings: Settings, redis: Redis, mails: MailSender, counters: Counters
) -> AsyncIterator[Accounts]:
    """The services of accounts in an API process, with their background tasks."""
    keys = settings.secret_keys
    async with AsyncExitStack() as stack:
        passwords = Passwords()
        stack.callback(passwords.close)
        api_tokens = await stack.enter_async_context(open_api_tokens(settings, mails))
        sessions, authentication = await stack.enter_async_context(open_sessions(settings, api_tokens))
        attempts, rules, devices = Attempts(keys, settings.mails_per_address), password_rules(settings), Devices(keys)
        delays = _sign_in_delays(settings, redis, counters)
        sign_in = SignIn(passwords, sessions, delays, devices, NewDeviceMails(mails))
        credentials = await stack.enter_async_context(
            credential_services(
                settings,
                mails=mails,
                attempts=attempts,
                passwords=passwords,
                rules=rules,
                sessions=sessions,
                sign_in=sign_in,
            )
        )
        yield Accounts(
            authentication=authentication,
            registrations=Registrations(
                mails, passwords, Codes(keys), sessions, attempts, _registration_policy(settings), rules
            ),
            sign_in=sign_in,
            devices=devices,
            sessions=sessions,
            reauthentication=Reauthentication(sign_in),
            recovery=credentials.recovery,
            password_change=credentials.password_change,
            email_changes=credentials.email_changes,
            api_tokens=api_tokens,
        )


def _registration_policy(settings: Settings) -> RegistrationPolicy:
    limits = RegistrationLimits(*settings.registrations)
    return RegistrationPolicy(timedelta(seconds=settings.otp_ttl), settings.registration, limits)


def _sign_in_delays(settings: Settings, redis: Redis, counters: Counters) -> SignInDelays:
    longest = LongestDelays(*settings.sign_in_delays)
    return SignInDelays(settings.secret_keys, RedisDelays(redis), LocalDelays(), counters, longest)
