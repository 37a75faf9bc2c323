"""The container files: their commands are commands that this distribution has."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def instruction(dockerfile: str, name: str) -> list[str]:
    """Return the last CMD or ENTRYPOINT of a Dockerfile."""
    lines = (ROOT / dockerfile).read_text().splitlines()
    found = [line.removeprefix(name + " ") for line in lines if line.startswith(name + " [")]
    return [str(word) for word in json.loads(found[-1])] if found else []


def test_compose_says_what_it_means() -> None:
    """Every service is published to the loopback only, none carries a password, PostgreSQL is a profile."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    assert "profiles" not in services["server"]
    assert services["postgres"]["profiles"] == services["server-postgres"]["profiles"] == ["postgres"]
    for service in services.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
        password = service.get("environment", {}).get("POSTGRES_PASSWORD", "${x:-}")
        assert password.startswith("${")
        assert password.endswith(":-}")


def test_docker_accepts_the_compose_file() -> None:
    """`docker compose config` reads it, where a client is there."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("no docker client with the compose plugin on this machine")
    for profile in ((), ("--profile", "postgres"), ("--profile", "edge")):
        done = subprocess.run(
            [docker, "compose", *profile, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_what_the_images_copy_exists() -> None:
    """No COPY names a file that the repository lacks."""
    for dockerfile in ("Dockerfile.server", "Dockerfile.edge"):
        for line in (ROOT / dockerfile).read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert (ROOT / source).exists(), f"{dockerfile}: {source}"


def test_the_edge_image_s_command_runs(tmp_path: Path) -> None:
    """The edge image runs `voicetrail-edge doctor`, which answers with its findings before enrolment too."""
    command = instruction("Dockerfile.edge", "ENTRYPOINT") + instruction("Dockerfile.edge", "CMD")
    command = [str(tmp_path) if word == "/data" else word for word in command]
    done = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True)
    assert "Traceback" not in done.stdout + done.stderr
    assert "enrol" in (done.stdout + done.stderr).lower()
