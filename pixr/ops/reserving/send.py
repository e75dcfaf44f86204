"""``pixr treasury send``: compare a signed file with the chain, send it, see it to its end.

Saying it again is safe. The same file makes the same transaction, which lands once; when it
has landed, what is missing in the database is written down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from solders.message import Message
from typer import Argument

from pixr.adapters.keys import AnySigner
from pixr.adapters.postgres import proposals, reserve
from pixr.adapters.postgres.reserve import Group
from pixr.domain.proposals import Allow, HandOver, Move, Proposal, Revoke
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import building, desk, paper
from pixr.ops.reserving.desk import Desk, members_of, nonce_address
from pixr.ops.reserving.paper import Paper
from pixr.ops.reserving.propose import refuse_more_than_there_is
from pixr.ops.reserving.sending import joined, land, refuse_failed


def command(
    file: Annotated[Path, Argument(help="The file, signed by as many as must.")],
    *,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: it is final. 2: it was refused, or its end is not known."""
    found = paper.load(file)
    if found.missing:
        raise LocalError(
            f"{file} is not signed by {' and '.join(found.missing)}.",
            mend="Take it to them: `pixr treasury sign`.",
        )
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        paying = open_desk.payer(payer)
        if paying.address != found.proposal.payer:
            raise LocalError(
                f"--payer is {paying.address}; the file is to be paid for by"
                f" {found.proposal.payer}.",
                mend="Name the key file that it was proposed with.",
            )
        signature = _see_through(open_desk, found, paying)
        _write_down(open_desk, found, signature)
        print(f"{found.proposal.deed.words}: final, {signature}")
        if isinstance(found.proposal.deed, HandOver):
            print("The hot treasury may take nothing now: `pixr treasury propose allow` lets it.")


def _see_through(open_desk: Desk, found: Paper, paying: AnySigner) -> str:
    message = Message.from_bytes(found.message)
    own = {paying.address: paying.sign(found.message)}
    transaction = joined(message, {**found.signatures, **own})
    signature = str(transaction.signatures[0])
    landed = open_desk.chain.transaction(signature)
    if landed is None:
        _refuse_stale(open_desk, found)
        _refuse_unplanned(open_desk, found.proposal)
        _note(open_desk, found)
        land(open_desk.chain, transaction, last_height=None)
    else:
        refuse_failed(landed)
        _note(open_desk, found)
    return signature


def _note(open_desk: Desk, found: Paper) -> None:
    """Write down what is about to be sent; for nothing, where it was proposed here."""
    proposals.insert(
        open_desk.db,
        digest=found.digest,
        deed=found.proposal.deed.words,
        nonce_account=found.proposal.nonce_account,
        nonce=found.proposal.nonce,
        actor=open_desk.actor,
        now=open_desk.now,
    )


def _refuse_stale(open_desk: Desk, found: Paper) -> None:
    genesis_hash = open_desk.chain.genesis_hash()
    if found.network != genesis_hash:
        raise LocalError(
            f"The file is for the chain {found.network}, the nodes are of {genesis_hash}.",
            mend="Name the nodes that it was proposed with.",
        )
    proposal = found.proposal
    nonce = open_desk.nonce(proposal.payer)
    if proposal.nonce_account != nonce_address(proposal.payer) or nonce is None:
        raise LocalError(
            f"{proposal.nonce_account} is not the nonce account of {proposal.payer}.",
            mend="Propose it anew.",
        )
    if nonce.value != proposal.nonce:
        raise LocalError(
            "The nonce has moved on: another proposal has landed, or this one was cancelled.",
            mend="Propose it anew.",
        )


def _refuse_unplanned(open_desk: Desk, proposal: Proposal) -> None:
    """Send only what this system would have proposed, to the reserve that it knows."""
    group = open_desk.live()
    seen = open_desk.look(group)
    building.refuse_different(group, seen)
    if (proposal.reserve, proposal.multisig) != (group.token_account, group.multisig):
        raise LocalError(
            f"The file is for the reserve {proposal.reserve} of {proposal.multisig}; ours is"
            f" {group.token_account} of {group.multisig}.",
            mend="Propose it anew.",
        )
    if len(set(proposal.signers) & set(group.members)) < group.threshold:
        raise LocalError(
            f"Fewer than {group.threshold} members are asked to sign.", mend="Propose it anew."
        )
    deed = proposal.deed
    match deed:
        case Move():
            _refuse_other(deed.destination, open_desk.treasury)
            refuse_more_than_there_is(deed, seen)
        case Allow():
            _refuse_other(deed.delegate, open_desk.treasury)
        case HandOver():
            _refuse_unknown_heirs(open_desk, deed)
        case Revoke():
            pass


def _refuse_other(address: str, treasury: str) -> None:
    if address != treasury:
        raise LocalError(
            f"It is for {address}, which is not the hot treasury {treasury}.",
            mend="Find out who made this file.",
        )


def _refuse_unknown_heirs(open_desk: Desk, deed: HandOver) -> None:
    heirs = reserve.in_state(open_desk.db, "PLANNED")
    if heirs is None or heirs.multisig != deed.new_multisig:
        raise LocalError(
            f"{deed.new_multisig} is not the group that is planned to follow.",
            mend="Say `pixr treasury rotate` again.",
        )
    (account,) = open_desk.chain.contents([heirs.multisig])
    stands = members_of(account)
    if stands is None or (set(stands.addresses), stands.threshold) != (
        set(heirs.members),
        heirs.threshold,
    ):
        raise LocalError(
            f"{heirs.multisig} on chain is not the group that was planned.",
            mend="Say `pixr treasury rotate` again.",
        )


def _write_down(open_desk: Desk, found: Paper, signature: str) -> None:
    deed = found.proposal.deed
    proposals.mark_final(
        open_desk.db,
        digest=found.digest,
        signature=signature,
        deed=deed.words,
        actor=open_desk.actor,
        now=open_desk.now,
    )
    if isinstance(deed, HandOver) and _holds(reserve.groups(open_desk.db), deed.new_multisig):
        reserve.make_live(open_desk.db, deed.new_multisig, actor=open_desk.actor, now=open_desk.now)


def _holds(groups: list[Group], multisig: str) -> bool:
    """Whether a group may still become live; one that retired since stays so."""
    return any(group.multisig == multisig and group.state != "RETIRED" for group in groups)
