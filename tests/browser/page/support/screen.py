"""The screen of a person, its colours, and the network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.browser.devtools import Tab

PHONE, TABLET, DESKTOP = 360, 768, 1280
HEIGHTS = {PHONE: 740, TABLET: 1024, DESKTOP: 800}
UNLIMITED = -1


async def resize(tab: Tab, width: int, height: int | None = None) -> None:
    """Give the page a size in CSS pixels; that of a phone, tablet or desktop has a usual height."""
    size = {"width": width, "height": height or HEIGHTS[width], "deviceScaleFactor": 1, "mobile": False}
    await tab.command("Emulation.setDeviceMetricsOverride", **size)


@asynccontextmanager
async def sized(tab: Tab, width: int, height: int | None = None) -> AsyncIterator[None]:
    """Another size of the page, in the block."""
    await resize(tab, width, height)
    try:
        yield
    finally:
        await tab.command("Emulation.clearDeviceMetricsOverride")


async def prefer(tab: Tab, **features: str) -> None:
    """Let the system ask for something, as in ``prefers_color_scheme="dark"``. Without arguments: for nothing."""
    media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    await tab.command("Emulation.setEmulatedMedia", features=media)


@asynccontextmanager
async def offline(tab: Tab) -> AsyncIterator[None]:
    """The browser has no network, in the block."""
    await tab.command("Network.enable")
    await _limit(tab, offline=True)
    try:
        yield
    finally:
        await _limit(tab)


@asynccontextmanager
async def slow(tab: Tab, bytes_per_second: int, latency_ms: int = 0) -> AsyncIterator[None]:
    """A slow network in both directions, in the block."""
    await tab.command("Network.enable")
    await _limit(tab, speed=bytes_per_second, latency=latency_ms)
    try:
        yield
    finally:
        await _limit(tab)


async def _limit(tab: Tab, *, offline: bool = False, speed: int = UNLIMITED, latency: int = 0) -> None:
    speeds = {"downloadThroughput": speed, "uploadThroughput": speed}
    await tab.command("Network.emulateNetworkConditions", offline=offline, latency=latency, **speeds)
