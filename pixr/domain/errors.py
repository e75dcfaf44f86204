"""Everything that can go wrong because of what a caller asked for.

Refusal
├── Malformed             a value is not what the rule allows; names the field and the rule
├── Unauthenticated       no token, or one that does not hold
├── TokenTooOld           the token is too old to move money
├── TooManyRequests       no room in this minute; says when there is more
├── Forbidden             the token lacks the scope that the route asks for
├── NotFound              it does not exist, or it is somebody else's
├── WalletMissing         the caller has no wallet yet
├── SecondFactorMissing   money may not leave without a second factor, and there is none
├── SecondFactorNeeded    there is one, and the request carries no code
├── WrongCode             the code is wrong, or was used
├── SecondFactorLocked    too many wrong codes; says for how long
├── SecondFactorPresent   there is one already: it goes before another comes
├── WithdrawalsFrozen     the second factor was removed; says until when nothing leaves
├── WithdrawalLimit       more, or more often, than an hour or a day lets go; says how much may
├── NewDestination        more than a small sum to an address that is not trusted yet
├── AllowlistFull         the allow-list has all the addresses that it may have
├── AlreadyListed         the address is on the allow-list; says from when on it is usable
├── BadDestination        money sent there would be lost or is not allowed
├── Overdrawn             more than is available; says what is
├── TooSmall              the chain would not let so little arrive; says how much it would
├── Overfunded            more than is still open; says how much is
├── NoGain                the source has nothing for that rung, or it is there already
├── BeingMade             a job makes that rung already, with nobody's money or with others'
├── UploadConflict        a part is missing or another, or the upload has ended
├── QuoteUnavailable      the price of SOL is missing or stale, so nothing can be priced
├── SettlementNotStarted  the settler has not pinned the house's addresses yet
├── KeyReused             the idempotency key came with another body before
└── StillRunning          the first request with this key has not finished

Outage                    a part of the world did not answer; each adapter has its own

A bug is neither: raise ``AssertionError`` or ``ValueError`` and let it page someone.
HTTP is not known here; ``functions/http.py`` gives each class its status.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar


class Refusal(Exception):
    """A refusal with a stable name that clients may switch on."""

    code: ClassVar[str]
    title: ClassVar[str]
    retry_after_s: int | None = None
    """When asking again may help; None: not by waiting, or nobody knows."""

    @property
    def amounts(self) -> Mapping[str, int]:
        """Lamports that the caller can act on, by the name under which they are told."""
        return {}


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


class TokenTooOld(Refusal):
    """The token holds, but was made too long ago to move money."""

    code = "token-too-old"
    title = "A fresh token is needed"

    def __init__(self, age_s_max: int) -> None:
        super().__init__(
            f"whatever moves money takes a token that was issued within {age_s_max} seconds: get a "
            "new one"
        )


class TooManyRequests(Refusal):
    """More requests within a minute than there is room for."""

    code = "too-many-requests"
    title = "Too many requests"

    def __init__(self, name: str, count_max: int, window_s: int, retry_after_s: int) -> None:
        super().__init__(
            f"at most {count_max} requests ({name}) in {window_s} seconds; there is more room in "
            f"{retry_after_s} seconds"
        )
        self.retry_after_s = retry_after_s


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


class SecondFactorNeeded(Refusal):
    """The caller has a second factor, and the request does not carry its code."""

    code = "second-factor-needed"
    title = "A code of the second factor is needed"

    def __init__(self, where: str) -> None:
        super().__init__(f"send the code that your authenticator shows as {where}")


class WrongCode(Refusal):
    """The code does not belong to this moment, or has done its work already."""

    code = "wrong-code"
    title = "The code is not accepted"


class SecondFactorLocked(Refusal):
    """So many wrong codes that no more are looked at for a while."""

    code = "second-factor-locked"
    title = "The second factor is locked"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many wrong codes: none is looked at for {retry_after_s} seconds")
        self.retry_after_s = retry_after_s


class SecondFactorPresent(Refusal):
    """Enrolling must not replace what protects the money."""

    code = "second-factor-present"
    title = "There is a second factor already"

    def __init__(self) -> None:
        super().__init__("remove the one you have first, with DELETE /api/defi/2fa and a code")


class WithdrawalsFrozen(Refusal):
    """The second factor was removed a short while ago."""

    code = "withdrawals-frozen"
    title = "Withdrawals are frozen"

    def __init__(self, until: datetime, *, now: datetime) -> None:
        super().__init__(
            "the second factor was removed: nothing can be withdrawn, and only small sums "
            f"invested, before {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        )
        self.retry_after_s = int((until - now).total_seconds()) + 1


class WithdrawalLimit(Refusal):
    """More than may leave within an hour or a day."""

    code = "withdrawal-limit"
    title = "That is more than may leave at once"

    def __init__(
        self, *, asked_lamports: int, allowed_lamports: int, rule: str, retry_after_s: int | None
    ) -> None:
        super().__init__(
            f"{asked_lamports} lamports were asked for; {rule}, so {allowed_lamports} may go now"
        )
        self.allowed_lamports = allowed_lamports
        self.retry_after_s = retry_after_s

    @property
    def amounts(self) -> Mapping[str, int]:
        """What may go now."""
        return {"allowed": self.allowed_lamports}


class NewDestination(Refusal):
    """An address gets more than a small sum only after a day on the allow-list."""

    code = "new-destination"
    title = "The destination is new"

    def __init__(
        self,
        destination: str,
        *,
        asked_lamports: int,
        allowed_lamports: int,
        usable_at: datetime | None,
    ) -> None:
        rule = (
            "is not on your allow-list"
            if usable_at is None
            else f"cools off until {usable_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        )
        super().__init__(
            f"{destination!r} {rule}: of the {asked_lamports} lamports at most {allowed_lamports} "
            "may go to new addresses now"
        )
        self.allowed_lamports = allowed_lamports

    @property
    def amounts(self) -> Mapping[str, int]:
        """What may go to new addresses now."""
        return {"allowed": self.allowed_lamports}


class AllowlistFull(Refusal):
    """A list that nobody can read protects nobody."""

    code = "allowlist-full"
    title = "The allow-list is full"

    def __init__(self, listed_max: int) -> None:
        super().__init__(f"it has {listed_max} addresses, the most there may be: remove one first")


class AlreadyListed(Refusal):
    """The address is there; listing it again must not move its date."""

    code = "already-listed"
    title = "The address is on the allow-list already"

    def __init__(self, destination: str, usable_at: datetime) -> None:
        super().__init__(
            f"{destination!r} is listed, usable for any sum from "
            f"{usable_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} on"
        )


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

    @property
    def amounts(self) -> Mapping[str, int]:
        """What is there."""
        return {"available": self.available_lamports}


class TooSmall(Refusal):
    """Not worth a transaction of its own, or less than the chain lets arrive."""

    code = "too-small"
    title = "The amount is too small"

    def __init__(self, asked_lamports: int, minimum_lamports: int, rule: str) -> None:
        super().__init__(f"{asked_lamports} lamports, at least {minimum_lamports} needed: {rule}")
        self.minimum_lamports = minimum_lamports

    @property
    def amounts(self) -> Mapping[str, int]:
        """How much is needed."""
        return {"minimum": self.minimum_lamports}


class Overfunded(Refusal):
    """More was offered than the upgrade still needs."""

    code = "overfunded"
    title = "The upgrade needs less than that"

    def __init__(self, offered_lamports: int, open_lamports: int) -> None:
        super().__init__(
            f"{offered_lamports} lamports were offered, {open_lamports} are still open"
        )
        self.open_lamports = open_lamports

    @property
    def amounts(self) -> Mapping[str, int]:
        """What is still open."""
        return {"open": self.open_lamports}


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


class UploadConflict(Refusal):
    """A part is missing or not the one that was named, or the upload has ended."""

    code = "upload-conflict"
    title = "The upload is not in a state for that"


class QuoteUnavailable(Refusal):
    """Nothing can be priced at the moment."""

    code = "quote-unavailable"
    title = "No price can be quoted now"
    retry_after_s = 600  # an operator has to act


class SettlementNotStarted(Refusal):
    """The settler, which alone can derive the house's addresses, has not run yet."""

    code = "settlement-not-started"
    title = "Settlement has not started yet"
    retry_after_s = 60

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
    retry_after_s = 1

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r}: ask again in a moment")


class Outage(Exception):
    """A part of the world did not answer; nothing is wrong with the request.

    The text is for operators: it may name hosts, and never leaves the system.
    """

    part: ClassVar[str]
    """What to call it in front of callers."""
