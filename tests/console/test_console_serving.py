"""Claims about the port of the console: plain and with a certificate, taken and refused."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette

from edge_agent.console.app import ConsoleSettings, create_app
from edge_agent.console.serving import Address, ConsoleError, ConsoleServer
from support.programs import free_port
from support.running_console import RunningConsole


@pytest.fixture
def app(console: RunningConsole) -> Iterator[Starlette]:
    """The application of a running agent, to be served once more."""
    yield create_app(console.agent, settings=ConsoleSettings(folder=console.folder), door=console.door)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the loopback that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "counter")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def test_with_a_certificate_the_console_is_served_over_tls(app: Starlette, tmp_path: Path) -> None:
    """Pages come over https, and the session's cookie is then for https alone."""
    files = certificate(tmp_path)
    address = Address(port=free_port(), certificate=files[0], key=files[1])
    server = ConsoleServer(app, address=address)
    server.start()
    try:
        trusting = ssl.create_default_context(cafile=str(files[0]))
        answer = httpx2.get(f"{address.url}sign-in", verify=trusting, trust_env=False, timeout=30)
        assert answer.status_code == 200
        assert "Secure" in answer.headers["set-cookie"]
    finally:
        server.stop()


def test_a_certificate_that_is_none_is_refused_with_advice(app: Starlette, tmp_path: Path) -> None:
    """The program ends with words, not with a port that answers nobody."""
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")
    for file in (wrong, tmp_path / "absent.pem"):
        with pytest.raises(ConsoleError) as refused:
            ConsoleServer(app, address=Address(port=free_port(), certificate=file, key=file)).start()
        assert refused.value.code == "console_failed"
        assert refused.value.advice


def test_a_port_that_is_taken_is_said(console: RunningConsole, app: Starlette) -> None:
    """A second console on the same port does not start and says why."""
    with pytest.raises(ConsoleError) as refused:
        ConsoleServer(app, address=Address(port=console.port)).start()
    assert refused.value.code == "console_port"


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.1", ""), ("localhost", ""), ("::1", ""), ("192.168.1.20", "http://192.168.1.20:8700")],
)
def test_phones_are_led_only_where_they_get(host: str, reached: str) -> None:
    """On the loopback there is no address for a customer's phone."""
    assert Address(host=host).public_url == reached


def test_nobody_waits_for_pages_that_stay_open(console: RunningConsole, app: Starlette) -> None:
    """The server ends although a page is still being told how it stands."""
    address = Address(port=free_port())
    server = ConsoleServer(app, address=address)
    server.start()
    with httpx2.Client(base_url=address.url, trust_env=False, timeout=30) as client:
        form = client.get("/sign-in").text.partition('name="csrf" content="')[2].partition('"')[0]
        client.post("/sign-in", data={"csrf": form, "pin": "482913"})
        with client.stream("GET", "/stream?regions=status") as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            server.stop()
            assert len(list(lines)) < 20
    assert console.agent.snapshot().phase == "off"
