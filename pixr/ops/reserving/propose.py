"""``pixr treasury propose``: a file for the members to sign, offline, whenever they can.

What they sign names a durable nonce instead of a recent blockhash, so it waits for days. Of all
that name the same value of the nonce one can land.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pixr.adapters.keys import AnySigner
from pixr.adapters.postgres import proposals
from pixr.adapters.postgres.reserve import Group
from pixr.domain.money import format_sol
from pixr.domain.proposals import Allow, Deed, Move, Proposal, Revoke
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import building, desk, making, paper
from pixr.ops.reserving.desk import Desk, Seen, nonce_address
from pixr.ops.reserving.fund import lamports_of

By = Annotated[
    list[str] | None, Option("--by", help="A member who will sign; twice. The first two else.")
]
Out = Annotated[Path, Option(help="The file to write.")]


def command(
    action: Annotated[str, Argument(help="`transfer`, `allow` or `revoke`.")],
    *,
    sol: Annotated[str | None, Option(help="How much to transfer, or to allow at most.")] = None,
    by: By = None,
    out: Out,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: the file is written; nothing has moved. 2: it could not be made."""
    if action not in ("transfer", "allow", "revoke"):
        raise LocalError(
            f"There is no `pixr treasury propose {action[:64]}`.",
            mend="Say `transfer`, `allow` or `revoke`.",
        )
    if (sol is None) != (action == "revoke"):
        raise LocalError(
            f"`{action}` is {'given an amount' if sol else 'given no amount'}.",
            mend="`transfer` and `allow` take --sol, `revoke` does not.",
        )
    lamports = 0 if sol is None else lamports_of(sol)
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        group = open_desk.live()
        seen = open_desk.look(group)
        building.refuse_different(group, seen)
        deed = _deed(action, lamports, open_desk.treasury)
        refuse_more_than_there_is(deed, seen)
        write(open_desk, group, deed, by=by, payer=open_desk.payer(payer), out=out)


def write(
    open_desk: Desk,
    group: Group,
    deed: Deed,
    *,
    by: Sequence[str] | None,
    payer: AnySigner,
    out: Path,
) -> None:
    """Write the file of a proposal, and say what else could still land."""
    # Asked for first: nothing may be written down that cannot be written out.
    signers = signers_of(group, by)
    paper.refuse_taken(out)
    nonce = building.nonce(open_desk, payer=payer)
    proposal = Proposal(
        deed=deed,
        reserve=group.token_account,
        multisig=group.multisig,
        signers=signers,
        payer=payer.address,
        nonce_account=nonce_address(payer.address),
        nonce=nonce.value,
    )
    made = paper.make(
        making.message(proposal),
        network=open_desk.chain.genesis_hash(),
        actor=open_desk.actor,
        now=open_desk.now,
    )
    assert made.proposal == proposal
    others = [
        item
        for item in proposals.unsent(open_desk.db)
        if (item.nonce_account, item.nonce) == (proposal.nonce_account, proposal.nonce)
        and item.deed != deed.words
    ]
    proposals.insert(
        open_desk.db,
        digest=made.digest,
        deed=deed.words,
        nonce_account=proposal.nonce_account,
        nonce=proposal.nonce,
        actor=open_desk.actor,
        now=open_desk.now,
    )
    paper.save(made, out, is_new=True)
    print("\n".join(made.proposal.words))
    print(paper.EXPIRES)
    for item in others:
        print(f"ALSO OPEN, only one of them can land: {item.deed} (by {item.proposed_by})")
    print(f"{out}: take it to the members, then `pixr treasury send {out} --payer FILE`.")


def signers_of(group: Group, by: Sequence[str] | None) -> tuple[str, ...]:
    """Who is to sign: just as many as must.

    Raises:
        LocalError: Too few or too many, somebody twice, or somebody who is no member.
    """
    chosen = tuple(by or group.members[: group.threshold])
    if strangers := [key for key in chosen if key not in group.members]:
        raise LocalError(
            f"{strangers[0][:64]} is no member.", mend=f"Members: {', '.join(group.members)}."
        )
    if len(chosen) != group.threshold or len(set(chosen)) != group.threshold:
        raise LocalError(
            f"--by names {len(set(chosen))} members; {group.threshold} must sign.",
            mend=f"Name {group.threshold} different ones.",
        )
    return chosen


def refuse_more_than_there_is(deed: Deed, seen: Seen) -> None:
    """Stop what the chain would refuse.

    Raises:
        LocalError: With what the reserve holds.
    """
    held = 0 if seen.holding is None else seen.holding.lamports
    if isinstance(deed, Move) and deed.lamports > held:
        raise LocalError(
            f"The reserve holds {format_sol(held)} SOL, less than {format_sol(deed.lamports)}.",
            mend="Move less.",
        )


def _deed(action: str, lamports: int, treasury: str) -> Deed:
    match action:
        case "transfer":
            return Move(lamports=lamports, destination=treasury)
        case "allow":
            return Allow(lamports=lamports, delegate=treasury)
        case _:
            return Revoke()
