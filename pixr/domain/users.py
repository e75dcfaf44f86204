"""Who a user is: the identity provider's ``sub``, exactly as given.

It is the input of the key derivation, so it is never normalised; what could not be told
apart by a person, or stored by the database, is refused instead.
"""

import unicodedata
from typing import Final

from pixr.domain.errors import Malformed

USER_ID_LENGTH_MAX: Final = 128


def check_user_id(user_id: object) -> str:
    """Return ``user_id`` when it can name a wallet.

    Raises:
        Malformed: Not 1 to 128 characters, or one of them is a control character, a lone
            surrogate or unassigned: two ids must not look alike to the person who reads them.
    """
    if not isinstance(user_id, str) or not 1 <= len(user_id) <= USER_ID_LENGTH_MAX:
        raise Malformed("sub", f"must have 1 to {USER_ID_LENGTH_MAX} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") for character in user_id):
        raise Malformed("sub", "must not have control characters")
    return user_id
