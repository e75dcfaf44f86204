"""Which key signs for which ledger account, checked against the address that was pinned."""

from dataclasses import dataclass, field

from pixr.adapters.keys import MasterSeed, Signer

_WALLET = "wallet:"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The settler's keys. Nothing else in the system can sign."""

    seed: MasterSeed
    treasury: Signer
    receipt_key: bytes = field(init=False, repr=False)
    """Derived once: every receipt's seed and every leaf's salt takes it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "receipt_key", self.seed.receipt_key())

    def signer(self, account: str) -> Signer:
        """The signer of an account that holds money on chain.

        Raises:
            ValueError: The account holds nothing on chain.
        """
        if account == "treasury":
            return self.treasury
        if account == "escrow":
            return self.seed.escrow()
        if account.startswith(_WALLET):
            return self.seed.wallet(account.removeprefix(_WALLET))
        raise ValueError(f"no key signs for {account}")
