"""Lists as PostgreSQL writes arrays, for statements that take tens of thousands of values.

psycopg's own adaptation of a list looks at every element in Python, which costs a microsecond
each; a text that is cast (``%(names)s::text[]``) is taken apart by the server in a tenth of that.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID


def texts(values: Sequence[str]) -> str:
    """An array of texts."""
    if not values:
        return "{}"
    inner = '","'.join(values)
    # Quotes and backslashes in a name are rare: look for any, once.
    if "\\" in inner or inner.count('"') != 2 * (len(values) - 1):
        inner = '","'.join([v.replace("\\", r"\\").replace('"', r"\"") for v in values])
    return f'{{"{inner}"}}'


def uuids(values: Iterable[UUID]) -> str:
    """An array of UUIDs."""
    return f"{{{','.join([value.hex for value in values])}}}"


def numbers(values: Iterable[int]) -> str:
    """An array of whole numbers."""
    return f"{{{','.join(map(str, values))}}}"
