"""The metrics for Prometheus, and the clients that may read them."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from cloudkeep.settings.preflight import StartupError
from cloudkeep.telemetry import metrics
from cloudkeep.telemetry.metric_catalogue import Sample, samples_of, samples_of_budgets
from cloudkeep.telemetry.metrics import Metrics, MetricsSlots, reset_metrics_folder
from services.core.counters import BudgetCounters, Counters
from tests.endpoints.wire import connect
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import connected
from tests.support.process import ServeProcess, serving
from tests.support.server import PROGRESS, Api
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

ME = "{ me { id } }"
STRANGER = "203.0.113.9"


def numbers_in(text: str) -> dict[str, float]:
    """The samples in the exposition format, without those of creation times."""
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def look(http: httpx.AsyncClient) -> dict[str, float]:
    response = await http.get("/metrics")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return numbers_in(response.text)


async def shown(published: Metrics) -> dict[str, float]:
    content, _ = await published.exposition("")
    return numbers_in(content.decode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server that trusts a proxy on this machine."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, trusted_proxies=("127.0.0.1",)) as running:
        yield running


class TestServer:
    pytestmark = pytest.mark.asyncio(loop_scope="module")

    async def test_requests_and_bytes_are_counted(self, shared: SharedServer) -> None:
        before = await look(shared.http)
        await shared.api.upload(b"x" * 1_000)
        assert (await shared.http.get("/nothing/here")).status_code == 404
        assert (await shared.http.get("/versions/x/content")).status_code == 403
        after = await look(shared.http)
        assert after["cloudkeep_chunk_bytes_total"] - before.get("cloudkeep_chunk_bytes_total", 0) == 1_000

        def more(purpose: str, status: str) -> float:
            name = f"cloudkeep_http_requests_total[{purpose}][{status}]"
            return after[name] - before.get(name, 0)

        assert more("graphql", "2xx") == 1
        assert more("chunk", "2xx") == 1
        assert after["cloudkeep_chunks_total[accepted]"] - before.get("cloudkeep_chunks_total[accepted]", 0) == 1
        assert after["cloudkeep_chunk_seconds_bucket[+Inf]"] == after["cloudkeep_chunks_total[accepted]"]
        assert after["cloudkeep_http_request_seconds_sum[chunk]"] > 0
        assert after["cloudkeep_http_requests_in_flight"] == 1
        assert (after["cloudkeep_database_up"], after["cloudkeep_event_readers_away[api]"]) == (1, 0)
        assert more("other", "4xx") == 1
        assert more("download", "4xx") == 1
        assert more("probe", "2xx") == 1

    async def test_a_request_without_a_path_gets_a_response(self, shared: SharedServer) -> None:
        async with connect(shared.url) as wire:
            await wire.send(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await wire.answer()).status == 404

    async def test_operations_are_counted_with_their_cost(self, shared: SharedServer) -> None:
        before = await look(shared.http)
        await shared.api.call(ME)
        await Api(shared.http).call("{ upload(id: 1) { id } }")
        await shared.api.call("{ you }")
        after = await look(shared.http)

        def more(name: str) -> float:
            return after[f"cloudkeep_{name}"] - before.get(f"cloudkeep_{name}", 0)

        assert more("operations_total[query][data]") == 1
        assert more("operations_total[query][errors]") == 1
        assert more("operations_total[unknown][refused]") == 1
        assert more("cost_requested_points_total") == 4
        assert 2 <= more("cost_actual_points_total") <= 4
        assert more("operation_errors_total[UNAUTHENTICATED][query]") == 1
        assert more("operation_errors_total[GRAPHQL_INVALID][unknown]") == 1
        assert after["cloudkeep_budget_overloads_total"] == 0

    async def test_open_subscriptions_are_counted_while_they_are_open(self, shared: SharedServer) -> None:
        upload = await shared.api.init(b"x" * 10)

        async def open_now(number: int) -> bool:
            return (await look(shared.http))["cloudkeep_subscriptions_open"] == number

        async with connected(shared.url) as socket:
            await socket.init(Authorization=shared.api.http.headers["Authorization"])
            await socket.subscribe(PROGRESS, id=upload["id"])
            await socket.receive()
            await eventually(lambda: open_now(1))
        await eventually(lambda: open_now(0))

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-For": STRANGER},
            {"X-Forwarded-For": f"127.0.0.1, {STRANGER}"},
            # The client's address is unknown.
            {"X-Forwarded-For": "unknown"},
            {"X-Forwarded-For": "127.0.0.1, unknown"},
            {"Forwarded": "for=127.0.0.1"},
            {"X-Real-IP": "127.0.0.1"},
            {"Via": "1.1 proxy"},
        ],
    )
    async def test_other_clients_behind_the_proxy_are_refused(
        self, shared: SharedServer, headers: dict[str, str]
    ) -> None:
        response = await shared.http.get("/metrics", headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN")
        assert response.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("address", ["127.0.0.9", "::1", "::ffff:127.0.0.2"])
    async def test_clients_on_this_machine_behind_the_proxy_are_allowed(
        self, shared: SharedServer, address: str
    ) -> None:
        response = await shared.http.get("/metrics", headers={"X-Forwarded-For": address, "Via": "1.1 proxy"})
        assert response.status_code == 200

    async def test_clients_can_request_the_newer_format(self, shared: SharedServer) -> None:
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        response = await shared.http.get("/metrics", headers=accept)
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert response.text.endswith("# EOF\n")

    async def test_the_metrics_only_have_numbers(self, shared: SharedServer) -> None:
        assert (await shared.http.post("/metrics")).status_code == 405


async def test_each_count_is_shown_once() -> None:
    counters = Counters()
    published = Metrics(lambda: samples_of(counters))
    counters.operation("query", "data", requested=12, actual=5)
    assert (await shown(published))["cloudkeep_operations_total[query][data]"] == 1
    counters.operation("query", "refused", requested=3)
    for _ in range(2):
        samples = await shown(published)
        assert samples["cloudkeep_operations_total[query][data]"] == 1
        assert samples["cloudkeep_operations_total[query][refused]"] == 1
        assert samples["cloudkeep_cost_requested_points_total"] == 15
        assert samples["cloudkeep_cost_actual_points_total"] == 5


async def test_a_failed_subscription_does_not_count_as_open() -> None:
    counters = Counters()

    def fail() -> None:
        with counters.subscription():
            assert counters.subscriptions == 1
            raise ValueError("fault")

    with pytest.raises(ValueError, match="fault"):
        fail()
    assert counters.subscriptions == 0


async def test_budgets_are_shown_by_layer_and_policy() -> None:
    budgets = BudgetCounters(Counter({"address": 2}), 1, Counter({("global", "open"): 3, ("ingest", "closed"): 4}))
    assert await shown(Metrics(lambda: samples_of_budgets(budgets))) == {
        "cloudkeep_budget_refusals_total[address]": 2,
        "cloudkeep_budget_overloads_total": 1,
        "cloudkeep_budget_redis_away_total[global][open]": 3,
        "cloudkeep_budget_redis_away_total[ingest][closed]": 4,
    }


async def test_metrics_of_the_database_are_left_out_if_it_fails_or_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail() -> list[Sample]:
        raise OSError("away")

    async def hang() -> list[Sample]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(metrics, "PERIOD_SECONDS", 0.01)
    for question in (fail, hang):
        published = Metrics(lambda: samples_of_budgets(BudgetCounters(overloaded=1)))
        async with published.running(query=question):
            assert await shown(published) == {"cloudkeep_budget_overloads_total": 1, "cloudkeep_database_up": 0}


#: A process that counts two open subscriptions and some requests, and then prints the metrics.
COUNTING = """
import asyncio, sys
from cloudkeep.telemetry.metrics import Metrics
from cloudkeep.telemetry.metric_catalogue import samples_of, samples_of_process
from services.core.counters import Counters
counters = Counters(subscriptions=2)
counters.requests["graphql", 2] = int(sys.argv[1])
counters.chunk_seconds.add(1.0)
async def main():
    content, _ = await Metrics(lambda: samples_of(counters), lambda: samples_of_process(sys.argv[2])).exposition("")
    print(content.decode())
asyncio.run(main())
"""


def count(environment: Mapping[str, str], number: int, role: str = "api") -> dict[str, float]:
    """Run this process to its end. Returns the metrics that it has printed."""
    command = [sys.executable, "-c", COUNTING, str(number), role]
    run = subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    return numbers_in(run.stdout)


def requests_and_subscriptions(samples: dict[str, float]) -> tuple[float, float]:
    return samples["cloudkeep_http_requests_total[graphql][2xx]"], samples["cloudkeep_subscriptions_open"]


def files_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "metrics").iterdir()}


def test_processes_share_their_metrics_and_ended_ones_have_no_open_subscriptions(tmp_path: Path) -> None:
    reset_metrics_folder(tmp_path)
    slots = MetricsSlots(tmp_path)
    with slots.claim() as first:
        assert requests_and_subscriptions(count(first, 1)) == (1, 2)
        with slots.claim() as second:
            assert requests_and_subscriptions(count(second, 10)) == (11, 4)
        lasting = {f"{kind}_{slot}.db" for kind in ("counter", "histogram") for slot in (1, 2)}
        assert files_in(tmp_path) == lasting | {"gauge_livemax_1.db", "gauge_livesum_1.db"}
    reset_metrics_folder(tmp_path)
    assert files_in(tmp_path) == set()


def test_the_next_process_in_a_slot_continues_its_counters(tmp_path: Path) -> None:
    reset_metrics_folder(tmp_path)
    slots = MetricsSlots(tmp_path)
    for total in (5, 10, 15):
        with slots.claim() as environment:
            samples = count(environment, 5)
            assert requests_and_subscriptions(samples) == (total, 2)
            assert samples["cloudkeep_chunk_seconds_count"] == samples["cloudkeep_chunk_seconds_sum"] == total / 5
            assert len(files_in(tmp_path)) == 4
    assert files_in(tmp_path) == {"counter_1.db", "histogram_1.db"}


def test_processes_that_run_at_once_have_slots_of_their_own(tmp_path: Path) -> None:
    slots = MetricsSlots(tmp_path)
    with ExitStack() as first, ExitStack() as second, ExitStack() as third:
        claimed = [stack.enter_context(slots.claim())[metrics.SLOT_VARIABLE] for stack in (first, second)]
        first.close()
        claimed += [stack.enter_context(slots.claim())[metrics.SLOT_VARIABLE] for stack in (first, third)]
    assert claimed == ["1", "2", "1", "3"]


def test_gauges_of_an_ended_process_are_removed_by_the_next_one_in_its_slot(tmp_path: Path) -> None:
    reset_metrics_folder(tmp_path)
    with MetricsSlots(tmp_path).claim() as environment:
        assert count(environment, 1, "worker")["cloudkeep_processes[worker]"] == 1
        samples = count(environment, 1, "api")
    assert samples["cloudkeep_processes[api]"] == 1
    assert "cloudkeep_processes[worker]" not in samples


def test_a_file_that_cannot_be_removed_causes_only_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    slots = MetricsSlots(tmp_path)
    with slots.claim() as environment:
        (tmp_path / "metrics" / "gauge_livesum_1.db").mkdir(parents=True)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(
        "cannot remove the gauges of a process that has ended; they are still shown: [Errno "
    )
    with slots.claim() as again:
        assert again == environment


async def test_a_full_disk_only_affects_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reset_metrics_folder(tmp_path)
    monkeypatch.setenv(metrics.FOLDER_VARIABLE, str(tmp_path / "metrics"))
    published = Metrics(lambda: samples_of(Counters()))
    with monkeypatch.context() as full:
        full.setattr(metrics, "FILE_SIZE", 2**60)  # no file system has as much
        assert await shown(published) == {}
        assert await shown(published) == {}
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the metrics of this process cannot be written and are not shown: [Errno ")
    assert list((tmp_path / "metrics").iterdir()) == []
    published.publish()
    assert len(list((tmp_path / "metrics").iterdir())) == 4


def test_a_metrics_folder_that_cannot_be_created_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"cannot write to .*/file/metrics: Not a directory"):
        reset_metrics_folder(tmp_path / "file")


async def test_every_process_shows_the_metrics_of_all_running_processes(tmp_path: Path) -> None:
    with serving(tmp_path, CLOUDKEEP_WORKERS="2") as process:
        url = process.url
        async with httpx.AsyncClient(base_url=url, verify=False) as http:
            for _ in range(10):
                await Api(http).call(ME)

            async def all_are_seen() -> bool:
                samples = await look(http)
                running = [samples.get(f"cloudkeep_processes[{role}]") for role in ("api", "worker")]
                return running == [2, 1] and samples.get("cloudkeep_http_requests_total[graphql][2xx]") == 10

            await eventually(all_are_seen)
        children, files = psutil.Process(process.pid).children(), files_in(tmp_path)
        victims = [child for child in children if "api" in child.cmdline()]
        assert len(victims) == 2
        victims[0].kill()
        await eventually(lambda: _replaced(process, victims[0], len(children)))
        assert victims[1].is_running()
        # The new processes use the same files.
        assert files_in(tmp_path) == files


async def _replaced(process: ServeProcess, victim: psutil.Process, number: int) -> bool:
    """Whether another process runs in place of the victim, and the metrics are those of all running processes."""
    children = psutil.Process(process.pid).children()
    if victim in children or len(children) != number:
        return False
    try:
        async with httpx.AsyncClient(base_url=process.url, verify=False) as http:
            samples = await look(http)
    except httpx.TransportError:
        return False
    return (samples["cloudkeep_http_requests_total[graphql][2xx]"], samples["cloudkeep_processes[api]"]) == (10, 2)
