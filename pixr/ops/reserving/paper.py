"""The file that goes from hand to hand: a message, what it does in words, and who has signed.

Only the message counts. The words are there for people, and are compared with the message
whenever the file is read: a file whose words say something else is refused whole. What has nothing
to be compared with has one narrow form each: a text that moves a terminal's cursor could write
over the words that were read from the bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature

from pixr.domain.proposals import NotUnderstood, Proposal, read
from pixr.local.errors import LocalError
from pixr.ops import places

KIND: Final = "pixr treasury proposal"
VERSION: Final = 1
BYTES_MAX: Final = 16_384
EXPIRES: Final = (
    "It does not expire by itself: it can land once, while the nonce account holds the nonce."
    " `pixr treasury cancel` ends it."
)
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FIELDS: Final = {
    "kind",
    "version",
    "says",
    "expires",
    "network",
    "proposed_at",
    "proposed_by",
    "must_sign",
    "message",
    "signatures",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A proposal with the signatures that it has so far."""

    message: bytes
    proposal: Proposal
    """What ``message`` says."""
    network: str
    """The hash of the chain's first block."""
    proposed_at: str
    proposed_by: str
    signatures: Mapping[str, Signature] = field(default_factory=dict[str, Signature])
    """Member → signature; each was checked."""

    @property
    def digest(self) -> str:
        """SHA-256 of the message, in hexadecimal."""
        return hashlib.sha256(self.message).hexdigest()

    @property
    def missing(self) -> tuple[str, ...]:
        """Members who must still sign."""
        return tuple(key for key in self.proposal.signers if key not in self.signatures)

    def signed(self, member: str, signature: Signature) -> Paper:
        """The paper with one signature more."""
        return replace(self, signatures={**self.signatures, member: signature})


def make(message: Message, *, network: str, actor: str, now: datetime) -> Paper:
    """Put a message on paper."""
    raw = bytes(message)
    return Paper(
        message=raw,
        proposal=read(raw),
        network=network,
        proposed_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        proposed_by=actor,
    )


def refuse_taken(path: Path) -> None:
    """Stop before a new paper would be written over something: a key, or what others signed.

    Raises:
        LocalError: There is a file of that name.
    """
    if os.path.lexists(path):
        raise LocalError(f"{path} is there already.", mend="Name another with --out.")


def save(paper: Paper, path: Path, *, is_new: bool = False) -> None:
    """Write the file, for people and for programs.

    Raises:
        LocalError: It cannot be written, or ``is_new`` and there is one already.
    """
    text = json.dumps(_document(paper), indent=2, ensure_ascii=False) + "\n"
    places.write(path, text, is_new=is_new)


def load(path: Path) -> Paper:
    """Read a file and everything that it claims.

    Raises:
        LocalError: It is no such file, its message is not understood, its words say something
            else than the message, or a signature is none of the message.
    """
    try:
        document = json.loads(places.read(str(path), bytes_max=BYTES_MAX))
        paper = _paper(document)
    except NotUnderstood as error:
        raise LocalError(
            f"{path}: the message is not understood: {error}.", mend="Do not sign it."
        ) from error
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        binascii.Error,
    ) as error:
        raise LocalError(
            f"{path} is not a treasury proposal of version {VERSION}.",
            mend="Make one with `pixr treasury propose`.",
        ) from error
    expected = _document(paper)
    for name in ("says", "must_sign", "expires"):
        if document[name] != expected[name]:
            raise LocalError(
                f"{path} was tampered with: under {name!r} it says something else than its"
                " message.",
                mend="Do not sign it.",
            )
    for member, signature in paper.signatures.items():
        if member not in paper.proposal.signers:
            raise LocalError(
                f"{path}: {member} has signed and is not asked to.", mend="Ask for a new file."
            )
        if not signature.verify(Pubkey.from_string(member), paper.message):
            raise LocalError(
                f"{path}: the signature of {member} is not of this message.",
                mend="Ask for a new file.",
            )
    return paper


def _document(paper: Paper) -> dict[str, Any]:
    return {
        "kind": KIND,
        "version": VERSION,
        "says": list(paper.proposal.words),
        "expires": EXPIRES,
        "network": paper.network,
        "proposed_at": paper.proposed_at,
        "proposed_by": paper.proposed_by,
        "must_sign": list(paper.proposal.signers),
        "message": base64.b64encode(paper.message).decode(),
        "signatures": {member: str(value) for member, value in paper.signatures.items()},
    }


def _paper(document: dict[str, Any]) -> Paper:
    if set(document) != _FIELDS or (document["kind"], document["version"]) != (KIND, VERSION):
        raise ValueError("another form")
    message = base64.b64decode(document["message"], validate=True)
    proposed_at, proposed_by = document["proposed_at"], document["proposed_by"]
    if _MOMENT.fullmatch(proposed_at) is None or not places.is_name(proposed_by):
        raise ValueError("another form")
    signatures = {
        str(Pubkey.from_string(member)): Signature.from_string(value)
        for member, value in document["signatures"].items()
    }
    return Paper(
        message=message,
        proposal=read(message),
        # A first block's hash has the form of an address.
        network=str(Pubkey.from_string(document["network"])),
        proposed_at=proposed_at,
        proposed_by=proposed_by,
        signatures=signatures,
    )
