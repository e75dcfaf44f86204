"""Whose fault a failure is: of a payout, of the treasury, or of nobody that the error names.

``account_index`` counts in the message's sorted keys and, after them, in what it takes from a
lookup table; ``instruction_index`` in its instructions, of which the first few are not
transfers. The same reading serves a failure on chain, which cost a fee, and one in a rehearsal,
which cost nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from solders.message import MessageV0, MessageV1, VersionedMessage

from pixr.domain import packing
from pixr.domain.packing import Table
from pixr.domain.payouts import Failed, Payout, Refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Whom a failure is put down to."""

    culprits: Mapping[UUID, str] = field(default_factory=dict[UUID, str])
    """Payouts to put aside, with the reason."""
    is_named: bool = False
    """Whether the failure itself points at what it blames: a rehearsal puts nobody else aside."""
    is_payer_short: bool = False
    """Whoever pays had too little, or would keep dust: no payee is to blame; try again later."""
    payees_max: int | None = None
    """Nobody is named: try again in companies of so many, until one is alone."""


def blame(
    failure: Failed | Refuses,
    message: VersionedMessage,
    payouts: Sequence[Payout],
    table: Table | None = None,
) -> Blame:
    """Read a failure of ``message``, which carries ``payouts`` in the order of its transfers.

    Args:
        failure: What a node said.
        message: What was signed, or was to be.
        payouts: Whom it pays.
        table: The lookup table that it names.
    """
    reason = f"the chain refused it: {failure.error}"
    keys = _keys(message, table)
    named: list[Payout] = []
    short_payer = failure.is_source_short
    if failure.account_index is not None:
        # An index that the message does not have is a node's nonsense, and names nobody.
        is_known = 0 <= failure.account_index < len(keys)
        address = keys[failure.account_index] if is_known else None
        named = [payout for payout in payouts if payout.destination == address]
        # The treasury, or the escrow with a stranger's dust in it: no payee's fault.
        short_payer = short_payer or (is_known and not named)
    elif failure.instruction_index is not None:
        is_v1 = isinstance(message, MessageV1)
        leading = packing.V1_LEADING_INSTRUCTIONS if is_v1 else packing.LEADING_INSTRUCTIONS
        position = failure.instruction_index - leading
        named = [payouts[position]] if 0 <= position < len(payouts) else []
    if payouts[0].kind in packing.TRAVELS_ALONE:
        # It failed alone and nothing moved, so it goes back to its owner, unless it is the
        # treasury that could not pay for the way.
        if short_payer and _is_treasurys_part(failure):
            return Blame(is_payer_short=True)
        return Blame(
            culprits={payout.id: reason for payout in payouts},
            is_named=bool(named) or 0 < (failure.account_index or 0) < len(keys),
        )
    if named:
        return Blame(culprits={payout.id: reason for payout in named}, is_named=True)
    if short_payer:
        return Blame(is_payer_short=True)
    if len(payouts) == 1:
        return Blame(culprits={payouts[0].id: reason})
    return Blame(payees_max=(len(payouts) + 1) // 2)


def _keys(message: VersionedMessage, table: Table | None) -> list[str]:
    keys = [str(key) for key in message.account_keys]
    if isinstance(message, MessageV0) and table is not None:
        for lookup in message.address_table_lookups:
            keys += [table.addresses[index] for index in bytes(lookup.writable_indexes)]
    return keys


def _is_treasurys_part(failure: Failed | Refuses) -> bool:
    """The treasury pays the fee and the receipt; the transfers come from somebody's wallet."""
    if failure.account_index is not None:
        return failure.account_index == 0
    try:
        index, _ = json.loads(failure.error)["InstructionError"]
    except (KeyError, TypeError, ValueError):
        return False
    return int(index) < packing.LEADING_INSTRUCTIONS
