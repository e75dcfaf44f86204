"""Goal: whatever fails with a key at hand, no traceback shows it, not even with all variables.

Method: real failures on the way of a request; each exception is printed as a debugger would, every
local variable of every frame and of every cause included, and searched for every secret.
"""

import base64
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from solders.keypair import Keypair

from functions.wallet import handler as wallet
from pixr.domain.wallets import derive_keypair, wallet_label
from pixr.ops.hygiene.needles import Secret
from pixr.ops.hygiene.search import Place, Searcher
from tests.house import CONTEXT, SOL, House, event, forget
from tests.phone import Phone, enrolled

Break = Callable[[House, pytest.MonkeyPatch], Any]


def without(table: str) -> Break:
    def hide(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.db.execute(f"ALTER TABLE {table} RENAME TO hidden".encode())

    return hide


def without_kms(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    wallet.vault.cache_clear()


def without_database(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hidden-password@127.0.0.1:1/none")
    wallet.settings.cache_clear()


def with_another_pin(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.db.execute(
        "UPDATE user_wallets SET address = %s WHERE user_id = 'alice'", [str(Keypair().pubkey())]
    )


BREAKS: dict[str, Break] = {
    **{
        f"without {table}": without(table)
        for table in (
            *("totp_used", "second_factor_guards", "second_factors", "recovery_codes"),
            *("audit_log", "payouts", "allowlist", "ledger_accounts", "user_wallets"),
        )
    },
    "without KMS": without_kms,
    "without a database": without_database,
    "with another pin": with_another_pin,
}


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Everything that our own last resort, or the outage's handler, was given."""
    found: list[BaseException] = []
    # Seen where they are handled; they are handled all the same.
    for name in ("_broken", "_outage"):
        handle = getattr(wallet.app, name)

        def note(error: Exception, handle: Any = handle) -> Any:
            found.append(error)
            return handle(error)

        for kind in list(wallet.app.exception_handler_manager._exception_handlers):
            handlers = wallet.app.exception_handler_manager._exception_handlers
            if handlers[kind] == handle:
                monkeypatch.setitem(handlers, kind, note)
    return found


def requests(phone: Phone, codes: list[str]) -> Iterator[dict[str, Any]]:
    """Every route that has a key, a secret or a code in its hands."""
    to = str(Keypair().pubkey())
    keyed = {"idempotency-key": "k"}
    body = {"amount": "0.1", "destination": to, "totp_code": phone.code()}
    yield event("GET", "/api/defi/wallet")
    yield event("POST", "/api/defi/withdraw", body=body, headers=keyed)
    yield event("POST", "/api/defi/2fa/recovery-codes", body={"totp_code": phone.code()})
    yield event("POST", "/api/defi/allowlist", body={"destination": to, "label": "x"})
    yield event("DELETE", "/api/defi/2fa", headers={"recovery-code": codes[0]})
    yield event("POST", "/api/defi/2fa/enroll")


@pytest.mark.parametrize("how", BREAKS)
def test_no_variable_of_any_frame_shows_a_secret(
    house: House, monkeypatch: pytest.MonkeyPatch, raised: list[BaseException], how: str
) -> None:
    monkeypatch.setenv("REQUIRE_2FA", "true")
    forget()
    house.user("alice", lamports=SOL)
    phone, codes = enrolled(house)
    seed = house.seed._seed
    keypair = bytes(derive_keypair(seed, wallet_label("alice")))
    searcher = Searcher(
        [
            Secret(name="master seed", raw=seed),
            Secret(name="wallet", raw=keypair[:32], public=keypair[32:]),
            Secret(name="key of receipts", raw=house.seed.receipt_key()),
            Secret(name="TOTP secret", raw=base64.b32decode(phone.totp.secret)),
        ]
    )
    BREAKS[how](house, monkeypatch)
    for sent in requests(phone, codes):
        wallet.handler(sent, CONTEXT)  # type: ignore[arg-type]  # as Lambda's
    assert raised, "nothing broke"
    for error in raised:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(told.format())
        assert len(text) > 500
        assert searcher.look([Place(name=how, content=text.encode())]) == []
