"""The rules for input, case by case, and for random text."""

import contextlib
import random
import time
import unicodedata
from collections.abc import Callable

import pytest

from services.core import validation
from services.core.errors import InvalidInput
from tests.support.seeds import SEED_OF_THIS_RUN

Rule = Callable[[str], str]

RULES: dict[Rule, str] = {
    validation.file_name: "fileName",
    validation.user_id: "userId",
    validation.person_name: "userName",
    validation.email: "email",
    validation.new_password: "password",
    validation.sha256: "sha256",
    validation.mime_type: "mimeType",
    validation.idempotency_key: "idempotencyKey",
}

ACCEPTED: list[tuple[Rule, str, str]] = [
    (validation.file_name, "clip.mp4", "clip.mp4"),
    (validation.file_name, ".env", ".env"),
    (validation.file_name, "...txt", "...txt"),
    (validation.file_name, "👩\u200d💻.png", "👩\u200d💻.png"),
    (validation.file_name, "\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
    (validation.file_name, "\u2800⠃", "\u2800⠃"),
    (validation.file_name, "\U0001fae8", "\U0001fae8"),
    (validation.file_name, "\ue000", "\ue000"),
    (validation.file_name, " spaces stay ", " spaces stay "),
    (validation.file_name, "cafe\u0301.mp4", "caf\u00e9.mp4"),
    (validation.file_name, "📼 日本語.mkv", "📼 日本語.mkv"),
    (validation.file_name, "a" * 255, "a" * 255),
    (validation.file_name, "e\u0302\u0301" * 85, "\u1ebf" * 85),
    (validation.user_id, "ada", "ada"),
    (validation.user_id, " Ada.Lovelace_1815-x ", "ada.lovelace_1815-x"),
    (validation.user_id, "a" * 32, "a" * 32),
    (validation.person_name, "  Ada Lovelace ", "Ada Lovelace"),
    (validation.person_name, "李", "李"),
    (validation.person_name, "\u0646\u06cc\u200c\u0645", "\u0646\u06cc\u200c\u0645"),
    (validation.person_name, "x" * 100, "x" * 100),
    (validation.email, " Ada@Example.ORG ", "ada@example.org"),
    (validation.email, "jürgen+drive@bücher.example", "jürgen+drive@bücher.example"),
    (validation.new_password, "1234567890", "1234567890"),
    (validation.new_password, " " * 10, " " * 10),
    (validation.new_password, "my p\u0000ssw\u0000rd", "my p\u0000ssw\u0000rd"),
    (validation.new_password, "\uff41\uff42\uff43\uff44\uff45\uff46\uff47\uff48\uff49\uff4a", "abcdefghij"),
    (validation.new_password, "x" * 1024, "x" * 1024),
    (validation.sha256, " " + "AB" * 32 + "\n", "ab" * 32),
    (validation.mime_type, "Video/MP4; codecs=avc1", "video/mp4"),
    (validation.mime_type, "application/vnd.x+json", "application/vnd.x+json"),
    (validation.idempotency_key, "x" * 255, "x" * 255),
    (validation.idempotency_key, " ", " "),
]

REFUSED: dict[Rule, list[str]] = {
    validation.file_name: [
        *("", "   ", "\u3000", ".", "..", "a/b", "a\\b", "/", "../etc/passwd", "C:\\x"),
        *("a\0b", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\x85b", "a\u2028b", "a\ud800b"),
        *("gpj.\u202eexe", "a\u2066b"),
        *("...", " . ", "\u200b...", "\u200b", "\u200d\ufeff", "\u0301", "\u3164", "\u2800", "\u115f\u1160", "\uffa0"),
        *("\ufe0f", "\u00ad", "\U000e0041", "\U0001d159", "\u00a0\u2003"),
        *("\u2065", "\ufff0.", "\U000e0000", "\U000e0fff", "\U00013441"),
        *("a" * 256, "é" * 128, "📼" * 64, "a" * 5_000),
    ],
    validation.user_id: ["", "ab", "a" * 33, "-ada", "ada-", "a b", "ädä", "ada@x", "ada\n1", "\u0661\u0662\u0663"],
    validation.person_name: [
        "",
        "  ",
        "\u200b",
        "\u3164",
        "\u2800\u2800",
        "\u2065",
        "\u0301",
        "x" * 101,
        "a\nb",
        "a\0b",
        "\u202eabc",
        " " * 2_000 + "Ada",
    ],
    validation.email: [
        *("", "@", "ada", "ada@", "@example.org", "ada@localhost", "a b@example.org", "ada@exam ple.org"),
        *("ada@example..org", "ada@[127.0.0.1]", "Ada <ada@example.org>", "ada@example.org\nBcc: x@example.org"),
        *(
            "\u0130" * 64 + "@" + "a" * 60 + "." + "b" * 60 + ".org",
            "ada@" + "a." * 130 + "org",
            "ada\ud800@example.org",
            "=?utf-8?q?a?=@example.org",
        ),
    ],
    validation.new_password: [
        "",
        "123456789",
        "x" * 1025,
        "x" * 5_000,
        "1234567890\ud800",
        "\ufdfa" * 1024,
        "e\u0301" * 4,
    ],
    validation.sha256: ["", "a" * 63, "a" * 65, "g" * 64, "\u0661" * 64, "0x" + "a" * 62],
    validation.mime_type: [
        "",
        "video",
        "video/",
        "/mp4",
        "video/mp4/x",
        "vi deo/mp4",
        "v\u00efdeo/mp4",
        "a/" + "b" * 64,
    ],
    validation.idempotency_key: ["", "x" * 256, "a\nb", "\ud800"],
}


@pytest.mark.parametrize(("rule", "typed", "stored"), ACCEPTED)
def test_good_values_are_stored_in_one_form(rule: Rule, typed: str, stored: str) -> None:
    assert rule(typed) == stored
    assert rule(stored) == stored


@pytest.mark.parametrize(("rule", "typed"), [(rule, typed) for rule, many in REFUSED.items() for typed in many])
def test_bad_values_are_refused_by_the_field_they_came_in(rule: Rule, typed: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        rule(typed)
    assert refusal.value.field == RULES[rule]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_long_row_of_marks_is_refused_at_once(rule: Rule) -> None:
    marks = "a" + "\u0301" * 30_000 + "\u0316" * 30_000
    began = time.process_time()
    for typed in (marks, f"{marks}@example.org", f"a@{marks}.org"):
        with pytest.raises(InvalidInput):
            rule(typed)
    # Sorting them as a whole would take half a minute.
    assert time.process_time() - began < 5


SEEDS = [*range(5), SEED_OF_THIS_RUN]
ODD = "\ud800\udfff\u00ad\u017f\u0301\u200d\u2028\u202e\u3002\ufdfa\uff20"
ALPHABET = "abcXYZ019.-_@+ \"'()<>[]\\/;:,%\t\n\r\0\x7fäİßΩ日📼" + ODD


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("seed", SEEDS)
def test_any_text_is_refused_or_becomes_text_that_can_be_stored(rule: Rule, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(300):
        typed = "".join(rng.choices(ALPHABET, k=rng.randrange(30))) + rng.choice(["", "@example.org", "a" * 8])
        with contextlib.suppress(InvalidInput):
            stored = rule(typed)
            assert stored.encode()
            assert unicodedata.is_normalized("NFC", stored) or rule is validation.idempotency_key


def test_a_file_name_that_is_too_long_is_not_looked_at_to_its_end() -> None:
    with pytest.raises(InvalidInput, match="255 bytes"):
        validation.file_name("a" * 10_000 + "\n")
