"""docker-compose.yml and Dockerfile fit the program, as far as one can tell without an engine."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from handlers.routes import PATHS
from notifier.config import SETTINGS, load
from notifier.delivery.relay.address import bus_for
from notifier.process.parts import database_address, make_relay
from notifier.settings import Settings
from servers import ROOT
from servers.ports import free_port
from servers.program import listens, wait_for
from servers.redis import RedisServer

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name in SERVICES if name.startswith("notifier-")]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()

# Compose Specification, the parts of it that are used, and the form of each.
TOP = {"services": dict, "volumes": dict, "networks": dict}
SERVICE: dict[str, type | tuple[type, ...]] = {
    "build": (str, dict),
    "cap_drop": list,
    "command": (str, list),
    "depends_on": (list, dict),
    "environment": (dict, list),
    "healthcheck": dict,
    "hostname": str,
    "image": str,
    "init": bool,
    "logging": dict,
    "networks": (list, dict),
    "ports": list,
    "read_only": bool,
    "restart": str,
    "security_opt": list,
    "shm_size": (str, int),
    "stop_grace_period": str,
    "tmpfs": (str, list),
    "ulimits": dict,
    "volumes": list,
    "user": str,
}
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")


def test_compose_keys_are_in_the_specification() -> None:
    """Every key exists in the Compose Specification and has a form that it allows."""
    for key, value in COMPOSE.items():
        assert key.startswith("x-") or isinstance(value, TOP[key])
    for service in SERVICES.values():
        for key, value in service.items():
            assert isinstance(value, SERVICE[key]), key
        for name, wanted in service.get("depends_on", {}).items():
            assert name in SERVICES
            assert wanted["condition"] in CONDITIONS
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file()
        assert DURATION.fullmatch(service.get("stop_grace_period", "10s"))


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_looked_after(name: str) -> None:
    """Each has a health check, comes back by itself, and is pinned to a version."""
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["healthcheck"]) <= HEALTHCHECK
    assert service["healthcheck"]["test"][0] == "CMD"
    assert name in OURS or re.fullmatch(r"[a-z]+:\d+\.\d+\.?\d*-[\w-]*alpine", service["image"])


def test_only_nginx_and_the_management_page_are_published() -> None:
    """And these only to this machine."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "nginx": ["127.0.0.1:8002:8002"],
        "rabbitmq": ["127.0.0.1:15672:15672"],
    }


def test_no_secrets() -> None:
    """Whatever is secret comes from outside, is required, and is named in .env.example."""
    secrets = {setting.variable for setting in SETTINGS if setting.secret}
    secrets |= {"POSTGRES_PASSWORD", "RABBITMQ_DEFAULT_PASS", "REDISCLI_AUTH"}
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name in secrets:
                secret = value.removeprefix("redis://:").removesuffix("@redis:6379/0")
                required = re.fullmatch(r"\$\{(\w+):\?.+\}", secret)
                assert required, name
                assert f"{required[1]}=" in EXAMPLE


def _environment() -> dict[str, str]:
    """What our processes get, with every variable from outside filled in."""
    written = SERVICES[OURS[0]]["environment"]
    return {
        name: re.sub(r"\$\{\w+:(?:\?.*|-(.*))\}", lambda found: found[1] or "s" * 32, str(value))
        for name, value in written.items()
    }


def test_environment_is_valid() -> None:
    """Every variable is a setting, and together they make a process of a cluster."""
    known = {setting.variable for setting in SETTINGS}
    assert set(_environment()) <= known
    loaded = load({}, _environment(), Path("/nonexistent"))
    assert not loaded.warnings
    assert make_relay(loaded.settings).name == "redis"
    assert "host=postgres" in database_address(loaded.settings)
    assert loaded.settings.rabbitmq
    assert loaded.settings.host == "0.0.0.0"


def test_addresses_lead_to_services() -> None:
    """Hosts and ports are those of the services, and both sides have the same passwords."""
    ours = SERVICES[OURS[0]]["environment"]
    assert {ours["POSTGRES_HOST"], ours["RABBIT_HOST"]} <= SERVICES.keys()
    assert (ours["POSTGRES_PORT"], ours["RABBIT_PORT"]) == (5432, 5672)
    password = SERVICES["redis"]["environment"]["REDISCLI_AUTH"]
    assert ours["REDIS_URL"] == f"redis://:{password}@redis:6379/0"
    bus_for(_environment()["REDIS_URL"])
    database = SERVICES["postgres"]["environment"]
    for name in ("POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"):
        assert database[name] == ours[name]
    broker = SERVICES["rabbitmq"]["environment"]
    assert broker["RABBITMQ_DEFAULT_USER"] == ours["RABBIT_USER"]
    assert broker["RABBITMQ_DEFAULT_PASS"] == ours["RABBIT_PASSWORD"]


def test_redis_wants_its_password(tmp_path: Path) -> None:
    """It is not told in arguments, and without it nobody is served."""
    shell, option, script = SERVICES["redis"]["command"]
    port, secret = free_port(), "s3cret"
    script = script.replace("$$", "$").replace("save ", f"port {port}\nsave ")
    environment = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": secret}
    RedisServer.find("redis-server")
    server = subprocess.Popen(
        [shell, option, script], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: listens(port), lambda: "Redis does not start")
        assert secret.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        with redis.Redis(port=port, password=secret) as known, redis.Redis(port=port) as stranger:
            assert known.ping()
            with pytest.raises(redis.AuthenticationError):
                stranger.ping()
    finally:
        server.terminate()
        server.wait()


def test_nginx_leads_to_the_processes() -> None:
    """nginx knows every process, listens where it is published, and is trusted by them."""
    servers = re.findall(r"^ +server (\S+):(\d+) (backup)?", NGINX, re.MULTILINE)
    port = str(SERVICES[OURS[0]]["environment"]["NOTIFIER_PORT"])
    assert servers == [(name, port, backup) for backup in ("", "backup") for name in OURS]
    assert "listen 8002;" in NGINX
    assert SERVICES["nginx"]["volumes"] == ["./deploy/nginx.conf:/etc/nginx/nginx.conf:ro"]
    subnet = COMPOSE["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert SERVICES[OURS[0]]["environment"]["NOTIFIER_TRUSTED_PROXIES"] == subnet


def test_nginx_is_patient_enough() -> None:
    """It waits for the answer that the store is away, and for two pings of a WebSocket."""
    http, sockets = NGINX.split("location /ws/ {")
    settings = Settings()
    assert _seconds("proxy_read_timeout", http) > settings.request_timeout
    assert _seconds("proxy_read_timeout", sockets) > 2 * settings.ping_seconds


def _seconds(directive: str, text: str) -> int:
    """The first value of ``directive`` in ``text``."""
    found = re.search(rf"{directive} (\d+)s;", text)
    assert found
    return int(found[1])


def test_paths_exist() -> None:
    """What nginx, the health checks and the image ask for is what the program answers."""
    paths = {path for path, _ in PATHS}
    asked = re.findall(r"127\.0\.0\.1:8002(/[\w/]+)", DOCKERFILE + str(SERVICES))
    assert asked
    assert set(asked) <= paths
    assert "/api/notifications/send/" in paths
    assert "location ~ ^/api/notifications/send(/batch)?/?$" in NGINX
    assert "/ws/notifications/{user_id}/" in paths
    assert "location /ws/ {" in NGINX


def test_dockerfile() -> None:
    """Two stages on one pinned slim base, an unprivileged user, nothing that compiles."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])
    final = DOCKERFILE.split("FROM")[-1]
    assert re.search(r"^USER (?!root)\w+", final, re.MULTILINE)
    assert "apt-get" not in DOCKERFILE
    assert "gcc" not in DOCKERFILE
    assert "EXPOSE 8002" in final
    for source in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in (ROOT / ".dockerignore").read_text()


def test_the_image_is_reachable() -> None:
    """A published port leads to the server, which for that needs a key from everyone who sends."""
    (written,) = re.findall(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE.split("FROM")[-1], re.MULTILINE)
    environment = dict(re.findall(r"(\w+)=(\S+)", written))
    loaded = load({}, environment, Path("/nonexistent"))
    assert loaded.settings.host == "0.0.0.0"
    assert not loaded.settings.loopback
    assert not loaded.settings.open_send
    assert not loaded.warnings
    assert f"EXPOSE {loaded.settings.port}" in DOCKERFILE
    assert f"127.0.0.1:{loaded.settings.port}/healthz/" in DOCKERFILE
    folder = loaded.settings.data_dir
    assert re.search(rf"install --directory --owner notifier .*{folder}$", DOCKERFILE, re.MULTILINE)


def test_constraints_pin_every_dependency() -> None:
    """What the image installs has a version for each library that the program names."""
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    listed = re.search(r"install_requires =\n((?: .*\n)+)", (ROOT / "setup.cfg").read_text())
    assert listed
    for line in listed[1].splitlines():
        if "#" not in line:
            assert re.split(r"[\[<>=]", line.strip())[0].lower() in pinned
