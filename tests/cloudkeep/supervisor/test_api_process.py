"""The HTTP server of an API process has the limits of the settings."""

from pathlib import Path
from typing import cast

import pytest

from cloudkeep.server.bounded_http import BoundedProtocol
from cloudkeep.server.refusals import RequestRefused
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.api_process import http_server

PROXY = "192.0.2.9"


def test_a_peer_has_the_connections_of_the_settings_and_a_trusted_proxy_any_number(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, connections=2).model_copy(update={"trusted_proxies": (PROXY,)})
    gate = cast(type[BoundedProtocol], http_server(settings, 0).config.http).gate
    for _ in range(2):
        gate.admit("192.0.2.1")
    with pytest.raises(RequestRefused, match="At most 2"):
        gate.admit("192.0.2.1")
    for _ in range(10):
        gate.admit(PROXY)
    assert gate.counters.open == 12
