"""Everything that can go wrong because of what a caller asked for.

Refusal
├── Malformed             a value is not what the rule allows; names the field and the rule
├── Unauthenticated       no token, or one that does not hold
├── Forbidden             the token lacks the scope that the route asks for
├── NotFound              it does not exist, or it is somebody else's
├── WalletMissing         the caller has no wallet yet
├── SecondFactorMissing   money may not leave without a second factor, and there is none
├── BadDestination        money sent there would be lost or is not allowed
├── Overdrawn             more than is available; says what is
├── TooSmall              the chain would not let so little arrive; says how much it would
├── Overfunded            more than is still open; says how much is
├── NoGain                the source has nothing for that rung, or it is there already
├── BeingMade             a job makes that rung already, with nobody's money or with others'
├── QuoteUnavailable      the price of SOL is missing or stale, so nothing can be priced
├── SettlementNotStarted  the settler has not pinned the house's addresses yet
├── KeyReused             the idempotency key came with another body before
└── StillRunning          the first request with this key has not finished

Outage                    a part of the world did not answer; each adapter has its own

A bug is neither: raise ``AssertionError`` or ``ValueError`` and let it page someone.
HTTP is not known here; ``functions/http.py`` gives each class its status.
"""

from typing import ClassVar


class Refusal(Exception):
    """A refusal with a stable name that clients may switch on."""

    code: ClassVar[str]
    title: ClassVar[str]


class Malformed(Refusal):
    """A value breaks a rule that can be told without looking at any state."""

    code = "malformed"
    title = "The request is malformed"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class Unauthenticated(Refusal):
    """Nobody is known behind the request."""

    code = "unauthenticated"
    title = "A valid token is needed"


class Forbidden(Refusal):
    """The token does not carry the scope."""

    code = "forbidden"
    title = "The token does not allow this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs the scope {scope!r}, which the token does not carry")
        self.scope = scope


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else: the answer is the same."""

    code = "not-found"
    title = "Not found"


class WalletMissing(Refusal):
    """The caller never asked for a wallet."""

    code = "wallet-missing"
    title = "There is no wallet yet"

    def __init__(self) -> None:
        super().__init__("make your wallet first with GET /api/defi/wallet")


class SecondFactorMissing(Refusal):
    """Two-factor authentication is required and not set up."""

    code = "second-factor-missing"
    title = "A second factor is needed"


class BadDestination(Refusal):
    """An address that cannot or must not receive the money."""

    code = "bad-destination"
    title = "The destination cannot be paid"

    def __init__(self, destination: str, rule: str) -> None:
        super().__init__(f"{destination!r} {rule}")
        self.destination = destination
        self.rule = rule


class Overdrawn(Refusal):
    """More was asked for than is available."""

    code = "overdrawn"
    title = "Not enough is available"

    def __init__(self, asked_lamports: int, available_lamports: int, rule: str = "") -> None:
        text = f"{asked_lamports} lamports were asked for, {available_lamports} are available"
        super().__init__(f"{text}; {rule}" if rule else text)
        self.available_lamports = available_lamports


class TooSmall(Refusal):
    """Not worth a transaction of its own, or less than the chain lets arrive."""

    code = "too-small"
    title = "The amount is too small"

    def __init__(self, asked_lamports: int, minimum_lamports: int, rule: str) -> None:
        super().__init__(f"{asked_lamports} lamports, at least {minimum_lamports} needed: {rule}")
        self.minimum_lamports = minimum_lamports


class Overfunded(Refusal):
    """More was offered than the upgrade still needs."""

    code = "overfunded"
    title = "The upgrade needs less than that"

    def __init__(self, offered_lamports: int, open_lamports: int) -> None:
        super().__init__(
            f"{offered_lamports} lamports were offered, {open_lamports} are still open"
        )
        self.open_lamports = open_lamports


class NoGain(Refusal):
    """The rung would show viewers nothing that they do not have."""

    code = "no-gain"
    title = "No visible gain"


class BeingMade(Refusal):
    """The rung will be there anyway: money for it would buy nothing."""

    code = "being-made"
    title = "That quality is being made already"

    def __init__(self, rung: int) -> None:
        super().__init__(f"{rung}p is being made at the moment: there is nothing left to pay for")


class QuoteUnavailable(Refusal):
    """Nothing can be priced at the moment."""

    code = "quote-unavailable"
    title = "No price can be quoted now"


class SettlementNotStarted(Refusal):
    """The settler, which alone can derive the house's addresses, has not run yet."""

    code = "settlement-not-started"
    title = "Settlement has not started yet"

    def __init__(self) -> None:
        super().__init__("settlement has not started yet: ask again in a minute")


class KeyReused(Refusal):
    """The same idempotency key with a different body."""

    code = "idempotency-key-reused"
    title = "The idempotency key was used for another request"

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r} came with another body before: use a new key")


class StillRunning(Refusal):
    """The first request with this key is still at work."""

    code = "still-running"
    title = "The first request with this key is still running"

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r}: ask again in a moment")


class Outage(Exception):
    """A part of the world did not answer; nothing is wrong with the request.

    The text is for operators: it may name hosts, and never leaves the system.
    """

    part: ClassVar[str]
    """What to call it in front of callers."""
