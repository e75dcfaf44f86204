"""What the words of ``pixr treasury`` share: the places, the payer, and the reserve as it is.

Desk    one command's database, chain, payer and actor
Seen    the reserve on chain, at one look
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from solders.pubkey import Pubkey
from typer import Option

from pixr.adapters.keys import Signer
from pixr.adapters.postgres import Database, house, reserve, wallets
from pixr.adapters.postgres.reserve import Group
from pixr.adapters.solana import AccountContent, Solana
from pixr.domain.reserve import (
    Holding,
    Members,
    Nonce,
    read_holding,
    read_multisig,
    read_nonce,
)
from pixr.domain.wallets import SYSTEM_PROGRAM
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.places import Places
from pixr.ops.reserving import keyfile

PayerFile = Annotated[
    Path, Option("--payer", help="Your own key file, which pays fees; never the treasury's.")
]
NONCE_SEED: Final = "pixr treasury nonce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The reserve as the chain has it, finalized."""

    members: Members | None
    """None: there is no multisig at its address."""
    holding: Holding | None
    """None: there is no plain account of wrapped SOL at its address."""
    treasury_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one command works with."""

    db: Database
    chain: Solana
    treasury: str
    """The address of the hot treasury."""
    escrow: str
    actor: str
    now: datetime
    places: Places

    def live(self) -> Group:
        """The group that holds the reserve.

        Raises:
            LocalError: There is none yet.
        """
        found = reserve.in_state(self.db, "LIVE")
        if found is None:
            raise LocalError("There is no reserve yet.", mend="Make one: `pixr treasury init`.")
        return found

    def look(self, group: Group) -> Seen:
        """Look at a group's accounts and at the treasury, all at once."""
        multisig, account, treasury = self.chain.contents(
            [group.multisig, group.token_account, self.treasury]
        )
        return Seen(
            members=members_of(multisig),
            holding=None if account is None else read_holding(account.owner, account.data),
            treasury_lamports=0 if treasury is None else treasury.lamports,
        )

    def nonce(self, payer: str) -> Nonce | None:
        """The payer's nonce as it is; None when there is none."""
        (found,) = self.chain.contents([nonce_address(payer)])
        return None if found is None else read_nonce(found.owner, found.data)

    def payer(self, path: Path) -> Signer:
        """Read the key that pays the fees.

        Raises:
            LocalError: It is no key, or it is one of the house's, of a user's or of a member's.
                Settlement stops when the treasury pays for anything but what the settler signed.
        """
        signer = keyfile.read(path)
        whose = {self.treasury: "the hot treasury", self.escrow: "the escrow"}.get(signer.address)
        if wallets.is_ours(self.db, signer.address):
            whose = "the wallet of a user"
        if any(signer.address in group.members for group in reserve.groups(self.db)):
            whose = "a member of the reserve, whose key stays offline"
        if whose is not None:
            raise LocalError(f"--payer is {whose}.", mend="Name a key file of your own.")
        return signer


@contextmanager
def opened(
    *, data: Path | None, database_url: str | None, rpc: str | None, actor: str | None
) -> Generator[Desk]:
    """Find the places and open them for one command.

    Raises:
        LocalError: One is missing or does not answer, or the settler has never run there.
    """
    who = places.actor_of(actor)
    where = places.find(data, database_url=database_url, rpc=rpc)
    with places.opened(where) as (db, chain):
        house_addresses = house.addresses(db)
        if not {"treasury", "escrow"} <= house_addresses.keys():
            raise LocalError(
                "The settler has never run with this database: it knows no treasury.",
                mend="Let it run once.",
            )
        yield Desk(
            db=db,
            chain=chain,
            treasury=house_addresses["treasury"],
            escrow=house_addresses["escrow"],
            actor=who,
            now=datetime.now(UTC),
            places=where,
        )


def members_of(account: AccountContent | None) -> Members | None:
    """Who may sign for an account; None when it is no multisig."""
    return None if account is None else read_multisig(account.owner, account.data)


def nonce_address(payer: str) -> str:
    """The address of a payer's nonce account: the payer alone can make something there."""
    base, system = Pubkey.from_string(payer), Pubkey.from_string(SYSTEM_PROGRAM)
    return str(Pubkey.create_with_seed(base, NONCE_SEED, system))


def differences(group: Group, seen: Seen) -> Sequence[str]:
    """What the chain says otherwise than the database, one sentence each."""
    found: list[str] = []
    if seen.members is None:
        found.append(f"{group.multisig} IS NO MULTISIG on chain")
    elif (set(seen.members.addresses), seen.members.threshold) != (
        set(group.members),
        group.threshold,
    ):
        found.append(
            f"THE MEMBERS DIFFER: on chain {seen.members.threshold} of"
            f" {', '.join(seen.members.addresses)}; remembered {group.threshold} of"
            f" {', '.join(group.members)}"
        )
    if seen.holding is None:
        found.append(f"{group.token_account} IS NO ACCOUNT OF WRAPPED SOL on chain")
    elif seen.holding.owner != group.multisig:
        found.append(
            f"THE RESERVE BELONGS TO {seen.holding.owner}, not to the multisig {group.multisig}"
        )
    return found
