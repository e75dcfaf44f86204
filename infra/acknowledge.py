"""A finding that we looked at and accept, with its reason beside the thing it is about."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding on a construct and everything below it.

    Args:
        construct: As low in the tree as the finding allows, so that nothing else is excused.
        rule: The finding's whole name, with the resource or action in brackets where it has one.
        reason: Why it is right here.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
