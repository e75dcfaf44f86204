"""Synthesizes every stage into a folder each, with code and layer of a few bytes.

Run by conftest.py as a program of its own: half a gigabyte of CDK is gone when it ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from aws_cdk import App

from infra.app import build, check
from infra.bundling import GROUPS, Bundles
from tests.infra.chosen import CHOSEN, KEYS_IN_KMS

DECIDED = {
    "treasury_address": "B17Lw1MKGhnxQvsQDb5Nursm6wBsFcxw2VeTvsPSsaz9",
    "sol_usd": "150.00",
    "sol_usd_as_of": "2030-01-01T00:00:00Z",
}
"""What no file can know: an operator passes it with each deployment."""

GIVEN = {
    "local": {},
    "dev": DECIDED,
    "dev-kms": {**DECIDED, **KEYS_IN_KMS},
    "prod": {
        **DECIDED,
        **CHOSEN["prod"],
        "solana_rpc_url": "https://rpc.example",
        "issuer": "https://auth.pixr.example",
        "alarm_email": "on-call@pixr.example",
    },
}


def synthesize(name: str, folder: Path) -> None:
    """One stage, or a variant of it, checked by cdk-nag as `make synth` does."""
    stage = name.partition("-")[0]
    code, layer = folder / "code", folder / "layer"
    (layer / "bin").mkdir(parents=True)
    (layer / "bin" / "ffmpeg").write_text("not really")
    code.mkdir()
    (code / "empty.py").write_text("")
    bundles = Bundles(
        code=dict.fromkeys(GROUPS, code), ffmpeg_layer=None if stage == "local" else layer
    )
    context = json.loads(Path("cdk.json").read_text())["context"]
    app = App(
        context={**context, **GIVEN[name], "stage": stage},
        outdir=str(folder / "out"),
        analytics_reporting=False,
    )
    build(app, stage, bundles)
    if stage != "local":
        check(app)
    app.synth()


if __name__ == "__main__":
    for name in GIVEN:
        synthesize(name, Path(sys.argv[1]) / name)
