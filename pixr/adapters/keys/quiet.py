"""What every holder of a key has in common: it shows nothing, and its failures name no value."""

from typing import NoReturn

from pixr.domain.errors import Outage


class KeysUnreachable(Outage):
    """No key was given, or what was given is none. Names the ARN and the code, never a value."""

    part = "key store"


class Quiet:
    """Shows its type and nothing else, and refuses to be copied into a pickle."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is not to be serialised")
