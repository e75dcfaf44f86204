"""``pixr token``: an access token of the machine, made from the key in its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from pixr.local.home import DEFAULT, running_home
from pixr.local.issuer import Issuer, load_or_make_key

EVERY_SCOPE = "wallet:read wallet:withdraw views:write invest stats:read"


def command(
    sub: Annotated[str, Option(help="The user the token speaks for.")],
    scope: Annotated[str, Option(help="Scopes with spaces between them.")] = EVERY_SCOPE,
    ttl: Annotated[int, Option(help="Seconds it holds.", min=1, max=86_400)] = 3600,
    data: Annotated[Path, Option(help="The machine's directory.")] = DEFAULT,
) -> None:
    """Print the token and nothing else."""
    home, places = running_home(data)
    issuer = Issuer(url=places.issuer_url, key=load_or_make_key(home.issuer_key_file))
    print(issuer.mint(sub, scope, ttl))
