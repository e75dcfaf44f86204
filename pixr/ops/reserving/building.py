"""A group's accounts on chain, made so that whoever was stopped halfway goes on.

Addresses come of the payer and of what is to stand there, so the same command finds what an
earlier run made. What is about to be made is written down first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solders.pubkey import Pubkey

from pixr.adapters.keys import AnySigner
from pixr.adapters.postgres import reserve, wallets
from pixr.adapters.postgres.reserve import Group
from pixr.domain.errors import BadDestination, Malformed
from pixr.domain.reserve import (
    MULTISIG_RENT_LAMPORTS,
    NONCE_RENT_LAMPORTS,
    THRESHOLD,
    TOKEN_PROGRAM,
    Members,
    Nonce,
    check_members,
    is_address,
    multisig_seed,
    read_holding,
)
from pixr.local.errors import LocalError
from pixr.ops.reserving import making
from pixr.ops.reserving.desk import (
    NONCE_SEED,
    Desk,
    Seen,
    differences,
    members_of,
    nonce_address,
)
from pixr.ops.reserving.sending import pay

ADDRESSES_MAX: Final = 16
"""Somebody may have put dust on the first few: an account cannot be made there."""


def check(desk: Desk, members: Sequence[str], *, payer: str) -> None:
    """Refuse members who could not hold the reserve against a thief.

    Raises:
        LocalError: With the member and the rule.
    """
    ours = {
        desk.treasury: "the hot treasury",
        desk.escrow: "the escrow",
        payer: "the payer of the fees, whose key is on a machine with a network",
        **{
            member: "the wallet of a user" for member in members if wallets.is_ours(desk.db, member)
        },
        **reserve.addresses(desk.db),
    }
    try:
        check_members(members, ours=ours)
    except BadDestination as error:
        raise LocalError(
            f"{error.destination} cannot be a member: it {_rule(error)}.",
            mend="Each member is the address of a key that one person keeps offline.",
        ) from error
    except Malformed as error:
        raise LocalError(f"--member {error.rule}.", mend="Name three different people.") from error


def _rule(error: BadDestination) -> str:
    return error.rule.partition(":")[0]


def plan(
    desk: Desk, members: Sequence[str], *, payer: str, token_account: str | None = None
) -> tuple[Group, str]:
    """Choose the address of a group's multisig and write it down.

    Args:
        desk: Where.
        members: Who.
        payer: Whose key the address comes of.
        token_account: The reserve that the group is to get; None: one of its own.

    Returns:
        The group, and the seed of its address.
    """
    base, program = Pubkey.from_string(payer), Pubkey.from_string(TOKEN_PROGRAM)
    wanted = Members(addresses=tuple(members), threshold=THRESHOLD)
    gone = {item.multisig for item in _retired(desk)}
    seeds = [multisig_seed(members, number) for number in range(ADDRESSES_MAX)]
    addresses = [str(Pubkey.create_with_seed(base, seed, program)) for seed in seeds]
    held = desk.chain.contents(addresses)
    for seed, address, account in zip(seeds, addresses, held, strict=True):
        stands = members_of(account)
        is_free = account is None or (stands is not None and _same(stands, wanted))
        if not is_free or address in gone:
            continue
        group = Group(
            multisig=address,
            token_account=token_account or making.token_account(address),
            members=wanted.addresses,
            threshold=THRESHOLD,
            state="PLANNED",
        )
        reserve.plan(desk.db, group, actor=desk.actor, now=desk.now)
        return group, seed
    raise LocalError(
        f"All {ADDRESSES_MAX} addresses of such a group are taken.", mend="Name another --payer."
    )


def found(desk: Desk, account: str, members: Sequence[str]) -> Group:
    """The group that holds a reserve on chain, whatever the database says.

    Raises:
        ValueError: With what is wrong with it, in words.
    """
    if not is_address(account):
        raise ValueError("is no address")
    (content,) = desk.chain.contents([account])
    holding = None if content is None else read_holding(content.owner, content.data)
    if holding is None:
        raise ValueError("is no account of wrapped SOL")
    stands = members_of(desk.chain.contents([holding.owner])[0])
    wanted = Members(addresses=tuple(members), threshold=THRESHOLD)
    if stands is None or not _same(stands, wanted):
        raise ValueError(f"belongs to {holding.owner}, which is not {THRESHOLD} of these members")
    if any(item.multisig == holding.owner for item in _retired(desk)):
        raise ValueError(f"belongs to {holding.owner}, which has retired here")
    return Group(
        multisig=holding.owner,
        token_account=account,
        members=stands.addresses,
        threshold=stands.threshold,
        state="PLANNED",
    )


def _retired(desk: Desk) -> list[Group]:
    return [item for item in reserve.groups(desk.db) if item.state == "RETIRED"]


def build(desk: Desk, group: Group, seed: str, *, payer: AnySigner) -> None:
    """Make what is missing of a group's accounts, in one transaction."""
    multisig, account = desk.chain.contents([group.multisig, group.token_account])
    steps = (
        making.multisig(
            payer.address,
            group.multisig,
            seed=seed,
            members=group.members,
            threshold=group.threshold,
            rent=MULTISIG_RENT_LAMPORTS,
        )
        if multisig is None
        else []
    )
    if account is None or account.owner != TOKEN_PROGRAM:
        steps.append(making.open_token_account(payer.address, group.multisig))
    if steps:
        pay(desk.chain, steps, payer=payer, others=())


def refuse_different(group: Group, seen: Seen) -> None:
    """Stop when the chain has something else than the database remembers.

    Raises:
        LocalError: With every difference.
    """
    if found := differences(group, seen):
        raise LocalError("; ".join(found) + ".", mend="Find out why before you sign anything.")


def nonce(desk: Desk, *, payer: AnySigner) -> Nonce:
    """The payer's nonce; its account is made when there is none.

    Raises:
        LocalError: Something else stands at its address.
    """
    address = nonce_address(payer.address)
    found = desk.nonce(payer.address)
    if found is None:
        made = making.nonce(payer.address, address, seed=NONCE_SEED, rent=NONCE_RENT_LAMPORTS)
        pay(desk.chain, made, payer=payer, others=())
        found = desk.nonce(payer.address)
    if found is None or found.authority != payer.address:
        raise LocalError(
            f"{address} is no nonce account of {payer.address}.", mend="Name another --payer."
        )
    return found


def _same(stands: Members, wanted: Members) -> bool:
    return (set(stands.addresses), stands.threshold) == (set(wanted.addresses), wanted.threshold)
