"""Which key signs for which ledger account, checked against the address that was pinned."""

from dataclasses import dataclass, field

from pixr.adapters.keys import AnySeed, AnySigner

_WALLET = "wallet:"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The settler's keys. Nothing else in the system can sign.

    Where KMS keeps them, each signature is a call to it, and so is each address of a user's.

    Raises:
        KeysUnreachable: KMS keeps the master seed and does not answer or refuses.
    """

    seed: AnySeed
    treasury: AnySigner
    receipt_key: bytes = field(init=False, repr=False)
    """Derived once: every receipt's seed and every leaf's salt takes it."""
    escrow_address: str = field(init=False)
    """Derived once: it is wanted at every tick, and is no secret."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "receipt_key", self.seed.receipt_key())
        object.__setattr__(self, "escrow_address", self.seed.escrow().address)

    def address(self, account: str) -> str:
        """The address of an account that holds money on chain.

        Raises:
            ValueError: The account holds nothing on chain.
            KeysUnreachable: KMS would have to derive it, and does not answer or refuses.
        """
        return self.escrow_address if account == "escrow" else self.signer(account).address

    def signer(self, account: str) -> AnySigner:
        """The signer of an account that holds money on chain.

        Raises:
            ValueError: The account holds nothing on chain.
            KeysUnreachable: KMS would have to derive it, and does not answer or refuses.
        """
        if account == "treasury":
            return self.treasury
        if account == "escrow":
            return self.seed.escrow()
        if account.startswith(_WALLET):
            return self.seed.wallet(account.removeprefix(_WALLET))
        raise ValueError(f"no key signs for {account}")
