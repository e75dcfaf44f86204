"""``pixr treasury cancel``: move the payer's nonce on, so that nothing signed for it can land."""

from __future__ import annotations

from pixr.adapters.postgres import audit
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.reserving import desk, making
from pixr.ops.reserving.desk import nonce_address
from pixr.ops.reserving.sending import pay


def command(
    *,
    payer: desk.PayerFile,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: whatever was proposed with this payer is void. 2: it could not be tried."""
    with desk.opened(data=data, database_url=database_url, rpc=rpc, actor=actor) as open_desk:
        paying = open_desk.payer(payer)
        address = nonce_address(paying.address)
        if open_desk.nonce(paying.address) is None:
            raise LocalError(
                f"{paying.address} has no nonce account.", mend="Nothing was proposed with it."
            )
        steps = [making.advance(paying.address, address)]
        done = pay(open_desk.chain, steps, payer=paying, others=())
        with open_desk.db.transaction():
            audit.append(
                open_desk.db,
                at=open_desk.now,
                actor=open_desk.actor,
                action="reserve.cancelled",
                subject=address,
                detail={"signature": done.signature},
            )
        print(f"Whatever was proposed with {paying.address} can land no more: {done.signature}")
