"""``pixr proof``: make a proof of payout from the database, or check one against the chain.

    leaf ──path──▶ root ══ memo of the transaction ──transfers──▶ exactly this amount, there
    └──── offline ───┘ └──────────── with --rpc ────────────────────────────────────────┘

Checking needs nothing of ours but this program: no database, no account, no trust. Without a
node it can tell only that leaf and root belong together, and says so.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from rich.console import Console
from typer import Argument, Exit, Option

from functions.api.proofs import show_proof
from pixr.adapters.postgres import house
from pixr.adapters.solana import ChainUnreachable, Solana, TransactionView
from pixr.domain import proofs
from pixr.domain.decoding import Payment, decode, is_signed
from pixr.domain.errors import NotFound
from pixr.local.errors import LocalError
from pixr.ops import places

FORM: Final = "pixr proof of payout 1"
FILE_BYTES_MAX: Final = 64 * 1024
DISPROVED: Final = 1

Digest = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Address = Annotated[str, StringConstraints(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProofStep(_Strict):
    """One sibling on the way from the leaf to the root."""

    side: Literal["left", "right"]
    digest: Digest


class Proof(_Strict):
    """A proof as it stands in a file. Digests and salt are base64."""

    format: Literal["pixr proof of payout 1"]
    genesis_hash: Address | None
    """The chain that it speaks of; None where the maker did not know."""
    payout_id: UUID
    address: Address
    lamports: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
    salt: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==$")]
    leaf: Digest
    path: tuple[ProofStep, ...] = Field(max_length=64)
    root: Digest
    signature: Annotated[str, StringConstraints(pattern=r"^[1-9A-HJ-NP-Za-km-z]{64,88}$")]
    slot: int = Field(ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what is wrong with it."""

    what: str
    fault: str | None = None


def read(text: str) -> Proof:
    """Read a proof from a file's text.

    Raises:
        LocalError: It is not one; names the field and the rule.
    """
    try:
        return Proof.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise LocalError(
            f"This is not a proof of payout: {field}: {first['msg']}.",
            mend="Make one with `pixr proof make`, or take it from the API.",
        ) from error


def check_offline(proof: Proof) -> Iterator[Finding]:
    """Climb from the leaf to the root."""
    yield from (
        _finding("the leaf is that of this payout, address and amount", _leaf_fault(proof)),
        _finding("the path leads from the leaf to the root", _path_fault(proof)),
    )


def check_on_chain(proof: Proof, chain: Solana) -> Iterator[Finding]:
    """Find root and transfer in the finalized transaction.

    Raises:
        ChainUnreachable: No node answers.
    """
    genesis_hash = chain.genesis_hash()
    if proof.genesis_hash not in (None, genesis_hash):
        yield Finding(
            what="the nodes are of the proof's chain",
            fault=f"they are of {genesis_hash}, the proof is of {proof.genesis_hash}",
        )
        return
    view = chain.transaction(proof.signature)
    yield _finding("the transaction is final and succeeded", _view_fault(view))
    if view is None:
        return
    payment = decode(view.raw, view.accounts)
    if not isinstance(payment, Payment):
        yield Finding(what="the transaction is a payment", fault="it is of another form")
        return
    yield _finding("its memo is the root", _memo_fault(proof, payment))
    yield _finding("it pays exactly this amount to this address", _transfer_fault(proof, payment))


def _finding(what: str, fault: str | None) -> Finding:
    return Finding(what=what, fault=fault)


def _leaf_fault(proof: Proof) -> str | None:
    try:
        leaf = proofs.leaf(
            payout_id=proof.payout_id,
            address=proof.address,
            lamports=int(proof.lamports),
            salt=_bytes(proof.salt),
        )
    except (ValueError, OverflowError) as error:
        return str(error)
    found = base64.b64encode(leaf).decode()
    return None if found == proof.leaf else f"it hashes to {found}, not to {proof.leaf}"


def _path_fault(proof: Proof) -> str | None:
    steps = [proofs.Step(side=step.side, digest=_bytes(step.digest)) for step in proof.path]
    is_led = proofs.verify(_bytes(proof.leaf), steps, _bytes(proof.root))
    return None if is_led else f"it does not lead to {proof.root}"


def _view_fault(view: TransactionView | None) -> str | None:
    if view is None:
        return "no node has it"
    if view.error is not None:
        return f"it failed on chain: {view.error}"
    # A node that makes up a transaction cannot sign it.
    return None if is_signed(view.raw) else "a signature in it is not that of its key"


def _memo_fault(proof: Proof, payment: Payment) -> str | None:
    return None if payment.memo == proof.root else f"its memo is {payment.memo!r}"


def _transfer_fault(proof: Proof, payment: Payment) -> str | None:
    arrived = [item.lamports for item in payment.transfers if item.destination == proof.address]
    if int(proof.lamports) in arrived:
        return None
    return f"it pays {arrived} lamports to {proof.address}" if arrived else "it pays nothing there"


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def command(
    action: Annotated[str, Argument(help="`make` or `verify`.")],
    subject: Annotated[str, Argument(help="make: a payout's id. verify: the file, - for input.")],
    *,
    out: Annotated[Path | None, Option(help="make: the file to write.")] = None,
    rpc: places.RpcUrl = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
) -> None:
    """Exit code 0: made, or it holds. 1: it does not hold. 2: it could not be tried."""
    if action == "make":
        _make(subject, out, places.find(data, database_url=database_url, rpc=rpc))
    elif action == "verify":
        _verify(subject, rpc)
    else:
        raise LocalError(f"There is no `pixr proof {action}`.", mend="Say `make` or `verify`.")


def _make(subject: str, out: Path | None, where: places.Places) -> None:
    payout_id = places.parse_id(subject, "a payout")
    with places.opened(where) as (db, _):
        genesis_hash = house.chain(db)
        try:
            shown = show_proof(db, payout_id)
        except NotFound as error:
            raise LocalError(
                f"There is {error}.", mend="`pixr hold explain` tells where it stands."
            ) from error
    fields: Mapping[str, Any] = {
        "format": FORM,
        "genesis_hash": genesis_hash,
        **shown.model_dump(),
    }
    text = json.dumps(fields, indent=2)
    if out is None:
        print(text)
    else:
        places.write(out, text + "\n")
        print(f"{out}: the proof of {payout_id}")


def _verify(subject: str, rpc: str | None) -> None:
    proof = read(places.read(subject, bytes_max=FILE_BYTES_MAX))
    console = Console(highlight=False)
    findings = list(check_offline(proof))
    _show(console, findings)
    if rpc is not None:
        chain = Solana(places.rpc_urls_of(rpc), genesis_hash=proof.genesis_hash)
        try:
            found = list(check_on_chain(proof, chain))
        except ChainUnreachable as error:
            raise LocalError(
                f"No node can be asked ({error}).", mend="Name others with --rpc."
            ) from error
        _show(console, found)
        findings += found
    if any(finding.fault for finding in findings):
        console.print("It does not hold.")
        raise Exit(DISPROVED)
    amount = f"{proof.lamports} lamports to {proof.address}"
    if rpc is None:
        console.print(
            f"Leaf and root belong together for {amount}. Whether the chain holds this root was"
            " not asked: name a node with --rpc.",
            soft_wrap=True,
        )
    else:
        console.print(f"It holds: the chain paid {amount} in slot {proof.slot}.", soft_wrap=True)


def _show(console: Console, findings: list[Finding]) -> None:
    for finding in findings:
        mark = "[red]✗[/]" if finding.fault else "[green]✓[/]"
        rest = f": {finding.fault}" if finding.fault else ""
        console.print(f"{mark} {finding.what}", end="", soft_wrap=True)
        console.print(rest, markup=False, soft_wrap=True)
