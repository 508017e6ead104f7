"""All pages of the page and their states, each reached once: by walks that lead from one to the next."""

from tests.browser.page.whole.walks import account, drive, entry, file, uploads
from tests.browser.page.whole.walks.visit import Walk

WALKS: tuple[Walk, ...] = (
    entry.signing_in,
    entry.signing_up,
    entry.resetting,
    entry.losing_the_session,
    drive.empty_lists,
    drive.files,
    drive.dialogs,
    drive.other_lists,
    file.file_pages,
    uploads.tray,
    uploads.interrupted_uploads,
    account.account,
)
