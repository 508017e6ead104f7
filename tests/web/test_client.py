"""The TypeScript client, against a real server."""

from pathlib import Path

from tests.clients.guide.page import blocks
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.web.conftest import Sources
from tests.web.stand import standing


def test_its_parts_do_what_they_say(web: Sources) -> None:
    web.vitest("client/tests")


def test_the_code_of_the_guide_works(web: Sources, tmp_path: Path) -> None:
    code = blocks()["cloudkeep.ts"].replace("'@cloudkeep/client'", "'../src'")
    (web.folder / "client" / "real" / "guide.ts").write_text(code)
    with standing(tmp_path) as environment:
        web.vitest("client/real/guide", **environment)


def test_requests_and_subscriptions_survive_what_may_happen_to_them(web: Sources, tmp_path: Path) -> None:
    with standing(tmp_path) as environment:
        web.vitest("client/real/requests", **environment)


def test_uploads_go_on_after_what_may_happen_to_them(web: Sources, tmp_path: Path) -> None:
    with standing(tmp_path) as environment:
        web.vitest("client/real/uploads", **environment)


def test_many_files_are_sent_in_groups(web: Sources, tmp_path: Path) -> None:
    with standing(tmp_path) as environment:
        web.vitest("client/real/many", **environment)


def test_a_client_waits_for_small_budgets(web: Sources, tmp_path: Path) -> None:
    budgets = {"CLOUDKEEP_BUDGET_INGEST": "256KiB/256KiB", "CLOUDKEEP_BUDGET_ACCOUNT": "1000/300"}
    with standing(tmp_path, **budgets) as environment:
        web.vitest("client/real/budgets", **environment)


def test_a_client_waits_for_a_server_that_is_restarted(web: Sources, tmp_path: Path) -> None:
    with standing(tmp_path) as environment:
        web.vitest("client/real/restart", **environment)


def test_direct_uploads_go_to_s3(web: Sources, tmp_path: Path, s3: S3Server) -> None:
    bucket = s3.url(s3.new_place())
    keys = {"CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY, "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY}
    with standing(tmp_path, CLOUDKEEP_BLOB_URL=bucket, **keys) as environment:
        web.vitest("client/real/direct", **environment)
