"""The parameters of a request: positional, untrusted, and checked one by one."""

from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from pixr.local.chain.errors import invalid_params

COMMITMENTS: Final = ("processed", "confirmed", "finalized")


@dataclass(frozen=True, slots=True)
class Config:
    """The optional object that ends most parameter lists."""

    values: dict[str, Any]

    @property
    def commitment(self) -> str:
        """The asked commitment; ``finalized`` when none is named."""
        return self.commitment_named("commitment")

    @property
    def stored_commitment(self) -> str:
        """The asked commitment for history, which starts at ``confirmed``."""
        commitment = self.commitment
        if commitment == "processed":
            raise invalid_params("Method does not support commitment below `confirmed`")
        return commitment

    def commitment_named(self, name: str) -> str:
        """Read a commitment from the key ``name``."""
        commitment = self.values.get(name) or "finalized"
        if commitment not in COMMITMENTS:
            raise invalid_params(
                f"Invalid params: unknown variant `{commitment}`, "
                "expected one of `processed`, `confirmed`, `finalized`."
            )
        return str(commitment)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _wrong_type(name, value, "a boolean")
        return value

    def text(self, name: str, default: str) -> str:
        """Read a string."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _wrong_type(name, value, "a string")
        return value

    def integer(self, name: str) -> int | None:
        """Read a number that is not negative, if it is there."""
        value = self.values.get(name)
        return None if value is None else _unsigned(name, value)

    def signature(self, name: str) -> str | None:
        """Read a signature, if it is there."""
        value = self.values.get(name)
        return None if value is None else _signature(value)

    def section(self, name: str) -> "Config | None":
        """Read a nested object, if it is there."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _wrong_type(name, value, "an object")
        return Config(value)


class Params:
    """The ``params`` of one request."""

    def __init__(self, values: Any) -> None:
        if values is not None and not isinstance(values, list):
            raise invalid_params("Invalid params: `params` should be an array")
        self._values: list[Any] = values or []

    def config(self, index: int) -> Config:
        """The object at ``index``; empty when absent or null."""
        value = self._values[index] if index < len(self._values) else None
        if value is None:
            return Config({})
        if not isinstance(value, dict):
            raise _wrong_type(f"params[{index}]", value, "an object")
        return Config(value)

    def text(self, index: int) -> str:
        """The string at ``index``."""
        value = self._required(index)
        if not isinstance(value, str):
            raise _wrong_type(f"params[{index}]", value, "a string")
        return value

    def integer(self, index: int) -> int:
        """The number at ``index``, not negative."""
        return _unsigned(f"params[{index}]", self._required(index))

    def optional_integer(self, index: int) -> int | None:
        """The number at ``index``; None when absent, null or an object."""
        value = self._values[index] if index < len(self._values) else None
        return None if value is None or isinstance(value, dict) else _unsigned("params", value)

    def address(self, index: int) -> Pubkey:
        """The address at ``index``."""
        return pubkey(self.text(index))

    def addresses(self, index: int, *, count_max: int) -> list[Pubkey]:
        """The list of addresses at ``index``."""
        return [pubkey(text) for text in self._texts(index, count_max)]

    def optional_addresses(self, index: int, *, count_max: int) -> list[Pubkey]:
        """The list of addresses at ``index``; empty when absent."""
        if index >= len(self._values) or self._values[index] is None:
            return []
        return self.addresses(index, count_max=count_max)

    def signature(self, index: int) -> str:
        """The signature at ``index``."""
        return _signature(self.text(index))

    def signatures(self, index: int, *, count_max: int) -> list[str]:
        """The list of signatures at ``index``."""
        return [_signature(text) for text in self._texts(index, count_max)]

    def _texts(self, index: int, count_max: int) -> list[str]:
        values = self._required(index)
        if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
            raise _wrong_type(f"params[{index}]", values, "a list of strings")
        if len(values) > count_max:
            raise invalid_params(f"Too many inputs provided; max {count_max}")
        return values

    def _required(self, index: int) -> Any:
        if index >= len(self._values):
            raise invalid_params(f"`params` should have at least {index + 1} argument(s)")
        return self._values[index]


def pubkey(text: Any) -> Pubkey:
    """Read an address.

    Raises:
        RpcError: -32602; ``text`` is not one.
    """
    try:
        return Pubkey.from_string(text)
    except (ValueError, TypeError) as error:
        raise invalid_params(f"Invalid param: {error}") from error


def _signature(text: Any) -> str:
    try:
        return str(Signature.from_string(text))
    except (ValueError, TypeError) as error:
        raise invalid_params(f"Invalid param: {error}") from error


def _unsigned(name: str, value: Any) -> int:
    # bool is an int in Python, but not in JSON.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise _wrong_type(name, value, "u64")
    return value


def _wrong_type(name: str, value: Any, expected: str) -> Exception:
    return invalid_params(f"Invalid params: {name}: invalid type: {value!r}, expected {expected}")
