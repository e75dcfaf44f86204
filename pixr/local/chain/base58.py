"""Base58, as Bitcoin and Solana write bytes. Leading zero bytes become leading ``1``s.

solders does this for keys, hashes and signatures; instruction data and whole
transactions have other lengths and need their own two functions.
"""

from typing import Final

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Write ``data`` in base58."""
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    zero_count = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zero_count + "".join(reversed(digits))


def decode(text: str) -> bytes:
    """Read base58.

    Raises:
        ValueError: A character is not in the alphabet.
    """
    number = 0
    for character in text:
        value = _VALUE.get(character)
        if value is None:
            raise ValueError(f"{character!r} is not a base58 character")
        number = number * 58 + value
    zero_count = len(text) - len(text.lstrip(ALPHABET[0]))
    return b"\0" * zero_count + number.to_bytes((number.bit_length() + 7) // 8, "big")
