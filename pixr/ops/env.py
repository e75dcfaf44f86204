"""``pixr env``: where everything is, for other programs: ``eval "$(pixr env)"``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from typer import Option

from pixr.local import aws
from pixr.local.home import DEFAULT, running_home


def command(
    data: Annotated[Path, Option(help="The machine's directory.")] = DEFAULT,
) -> None:
    """Print one export a line."""
    _, places = running_home(data)
    values = {
        "PIXR_URL": places.url,
        "PIXR_ISSUER_URL": places.issuer_url,
        "DATABASE_URL": places.database_url,
        "REDIS_URL": places.redis_url,
        "SOLANA_RPC_URL": places.solana_rpc_url,
        **aws.environment(places.aws_endpoint),
        "S3_BUCKET": places.bucket,
        "NETWORK": places.network,
        "TREASURY_ADDRESS": places.treasury_address,
    }
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")
