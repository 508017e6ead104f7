"""Every kind of job that workers run."""

from collections.abc import Sequence

from workers.drive.checksum import CHECKSUM
from workers.drive.delete_items import DELETE_ITEMS
from workers.job_type import JobType
from workers.mail.send import MAIL
from workers.media.compress import COMPRESS
from workers.uploads.reassemble import REASSEMBLE

JOB_TYPES: Sequence[JobType] = (REASSEMBLE, COMPRESS, MAIL, DELETE_ITEMS, CHECKSUM)
