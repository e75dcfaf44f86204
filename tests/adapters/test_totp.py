"""Goal: the codes are those of RFC 6238, for the moments at which they hold and no others."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pyotp
import pytest

from pixr.adapters import totp

RFC_SECRET = b"12345678901234567890"
# RFC 6238, appendix B, SHA-1: seconds since 1970, and the last six of its eight digits. Its first
# vector, of the minute in which 1970 began, has no steps before it.
VECTORS = [
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    step = seconds // 30
    assert totp.step_of(RFC_SECRET, code, now=at(seconds)) == step
    for later in (-1, 1):
        assert totp.step_of(RFC_SECRET, code, now=at((step + later) * 30)) == step
    for later in (-2, 2):
        assert totp.step_of(RFC_SECRET, code, now=at((step + later) * 30)) is None


def test_a_code_of_nobody_belongs_to_no_step() -> None:
    assert totp.step_of(RFC_SECRET, "081805", now=at(1_111_111_109)) is None


def test_an_app_reads_the_same_secret_from_the_uri() -> None:
    secret = totp.fresh_secret()
    read = pyotp.parse_uri(totp.otpauth_uri(secret, name="ünïcode-用户/../?&="))
    assert isinstance(read, pyotp.TOTP)
    assert (read.name, read.issuer) == ("ünïcode-用户/../?&=", "Pixr")
    assert totp.step_of(secret, read.at(at(120)), now=at(120)) == 4


def test_the_longest_user_id_fits_into_a_qr_code() -> None:
    uri = totp.otpauth_uri(totp.fresh_secret(), name="用" * 128)
    drawing = ET.fromstring(totp.qr_svg(uri))  # noqa: S314 -- our own
    assert drawing.tag == "svg"


def test_secrets_and_chances_are_new_each_time() -> None:
    assert len({totp.fresh_secret() for _ in range(100)}) == 100
    assert len({chance for _ in range(100) for chance in totp.fresh_chances()}) == 1_000
