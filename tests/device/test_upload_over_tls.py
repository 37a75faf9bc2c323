"""A server whose certificate is not to be trusted gets nothing, and people are told what to do about it."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from edge_agent.clock import read_clock
from edge_agent.identity import DeviceKey, Identity
from edge_agent.private_files import make_private_folder
from edge_agent.server_link import ServerLink
from edge_agent.upload import Uploader
from models.errors import UploadError
from models.ids import new_id
from support.edge_device import NOW, opened_outbox, settings, utterance_record
from support.scripted_server import ScriptedServer, scripted_server

DAY = timedelta(days=1)


@dataclass
class Certificate:
    """A certificate with its private key, and a context that serves it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def serving(self, folder: Path) -> ssl.SSLContext:
        path = folder / "server.pem"
        private = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def made(
    *, address: str, until: datetime, issuer: Certificate | None = None, is_authority: bool = False
) -> Certificate:
    """Make a certificate for an address; without an issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = named("authority" if is_authority else address)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 30 * DAY)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    signed_by = issuer.key if issuer else key
    issuer_key = (issuer.key if issuer else key).public_key()
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    return Certificate(builder.sign(signed_by, SHA256()), key)


@contextmanager
def tls_server(certificate: Certificate, folder: Path) -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.socket = certificate.serving(folder).wrap_socket(server.socket, server_side=True)
        yield server


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """An authority that this device trusts."""
    root = made(address="127.0.0.1", until=datetime.now(UTC) + 20 * DAY, is_authority=True)
    path = tmp_path / "authority.pem"
    path.write_bytes(root.certificate.public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return root


def sent(server: ScriptedServer, folder: Path) -> tuple[str, str]:
    """Send one record; return the code and advice of what went wrong, empty when nothing did."""
    make_private_folder(folder)
    key = DeviceKey.load_or_make(folder)
    server.public_key = key.public_base64
    url = server.url.replace("http:", "https:")
    identity = Identity(server=url, tenant="t", device_id=new_id(), enrolled_at=NOW)
    with opened_outbox(folder) as outbox, ServerLink(url, timeout_s=10) as link:
        outbox.append([utterance_record()], now_ms=read_clock().wall_ms)
        uploader = Uploader(outbox, link=link, identity=identity, key=key, settings=settings())
        try:
            uploader.send_due()
        except UploadError as error:
            assert not error.permanent
            assert outbox.backlog().pending == 1
            assert outbox.backlog().why == error.code
            return error.code, error.advice
        assert outbox.backlog().pending == 0
    return "", ""


def test_a_certificate_of_an_authority_that_was_named_is_trusted(authority: Certificate, tmp_path: Path) -> None:
    """With the authority in SSL_CERT_FILE the record goes out over TLS."""
    good = made(address="127.0.0.1", until=datetime.now(UTC) + 10 * DAY, issuer=authority)
    with tls_server(good, tmp_path) as server:
        assert sent(server, tmp_path / "device") == ("", "")
        assert len(server.stored) == 1


@pytest.mark.parametrize(
    ("address", "days", "is_signed", "code"),
    [
        ("127.0.0.1", 10, False, "certificate_untrusted"),
        ("127.0.0.1", -1, True, "certificate_expired"),
        ("192.0.2.1", 10, True, "certificate_name"),
    ],
)
def test_a_certificate_that_proves_nothing_gets_nothing(
    authority: Certificate, tmp_path: Path, address: str, days: int, is_signed: bool, code: str
) -> None:
    """Self-signed, expired, or another's: no byte of a record is sent, it stays, and the advice fits."""
    bad = made(address=address, until=datetime.now(UTC) + days * DAY, issuer=authority if is_signed else None)
    with tls_server(bad, tmp_path) as server:
        said, advice = sent(server, tmp_path / "device")
        assert said == code
        assert advice
        assert server.bodies == []
