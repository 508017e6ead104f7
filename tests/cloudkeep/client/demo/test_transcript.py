"""The transcript of the demo shortens tokens, signatures and lists."""

import pytest

from cloudkeep.client.demo.transcript import shortened

DIGEST = "25cba4c1afca7b1bd21f8fccfa4e0e3fc14bb948e51faa636dc16d5431b6b5ac"
UUID = "01a22bae-44e6-7356-b52a-378f0a02e9f6"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (DIGEST, "25cba4c1af..."),
        ("clip.mp4", "clip.mp4"),
        (UUID, UUID),
        ("upload_01h455vb4pex5vsknk084sn02q", "upload_01h455vb4pex5vsknk084sn02q"),
        (
            f"http://a.b/versions/{UUID}?expires=1&signature={DIGEST}",
            f"http://a.b/versions/{UUID}?expires=1&signature=25cba4c1...",
        ),
        (f"https://s3.b/x?X-Amz-Signature={DIGEST}&a=b", "https://s3.b/x?X-Amz-Signature=25cba4c1...&a=b"),
        ([1, 2, 3], [1, 2, 3]),
        ([1, 2, 3, 4], [1, 2, "... and 2 more"]),
        ({"a": {"token": DIGEST, "n": None}}, {"a": {"token": "25cba4c1af...", "n": None}}),
    ],
)
def test_tokens_and_long_lists_are_shortened_and_ids_are_not(value: object, shown: object) -> None:
    assert shortened(value) == shown
