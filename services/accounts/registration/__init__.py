"""Registration of accounts: who may register, the mailed code, and invitations."""

from services.accounts.registration.registrations import DEFAULT_LIMITS as DEFAULT_LIMITS
from services.accounts.registration.registrations import Applicant as Applicant
from services.accounts.registration.registrations import RegistrationPolicy as RegistrationPolicy
from services.accounts.registration.registrations import Registrations as Registrations
