"""Whatever JSON a node makes up, nothing but our own errors comes out of the adapter."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from pixr.adapters.solana import ChainUnreachable, HistoryTooLong
from pixr.domain.payouts import Finalized
from tests.adapters.solana.scripted import (
    Raw,
    Script,
    healthy,
    in_context,
    search,
    solana,
    status,
)

ADDRESS = str(Pubkey.new_unique())
NAMES = [
    "slot",
    "value",
    "context",
    "err",
    "blockhash",
    "lastValidBlockHeight",
    "absoluteSlot",
    "blockHeight",
    "signature",
    "confirmationStatus",
    "lamports",
    "owner",
    "executable",
    "space",
    "meta",
    "transaction",
    "fee",
    "preBalances",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**65)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["finalized", "confirmed", "base64", ADDRESS])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)
PLAUSIBLE = ANYTHING | ANYTHING.map(in_context) | ANYTHING.map(lambda value: in_context([value]))


@given(st.dictionaries(st.sampled_from(sorted(healthy())), PLAUSIBLE))
def test_made_up_answers(answers: dict[str, Any]) -> None:
    chain = solana(Script(**answers))
    wanted = search()
    ((sighting,),) = chain.look_up([wanted])
    if isinstance(sighting, Finalized):
        assert sighting.signature == wanted.attempts[0].signature
    assert len(chain.rehearse([b"bytes"])) == 1
    chain.send([b"bytes"])
    for ask in (
        chain.slot,
        chain.finalized_height,
        chain.genesis_hash,
        chain.blockhash,
        lambda: chain.accounts([ADDRESS]),
        lambda: chain.recent_fees([ADDRESS]),
        lambda: chain.signatures(ADDRESS, until=None),
        lambda: chain.transaction(wanted.attempts[0].signature),
    ):
        try:
            ask()
        except (ChainUnreachable, HistoryTooLong):
            continue


@given(st.binary(max_size=60), st.sampled_from([200, 204, 301, 403, 404, 429, 500, 503]))
def test_made_up_bytes(body: bytes, http_status: int) -> None:
    chain = solana(Script(getSignatureStatuses=Raw(body, http_status)))
    ((sighting,),) = chain.look_up([search()])
    assert type(sighting).__name__ == "Unknown"


@given(st.dictionaries(st.sampled_from(sorted(status())), SCALARS))
def test_made_up_statuses(changes: dict[str, Any]) -> None:
    """A final success needs all its parts; whatever is bent is another word."""
    script = Script(getSignatureStatuses=in_context([status() | changes]))
    ((sighting,),) = solana(script).look_up([search()])
    is_whole = (
        changes.get("confirmationStatus", "finalized") == "finalized"
        and changes.get("err") is None
        and type(changes.get("slot", 5)) is int
        and 0 <= changes.get("slot", 5) < 2**63
    )
    assert isinstance(sighting, Finalized) == is_whole
