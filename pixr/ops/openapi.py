"""Write the OpenAPI document from the code: ``python -m pixr.ops.openapi``."""

import json
from pathlib import Path
from typing import Final

import functions
from functions.api.handler import app as api
from functions.openapi import document
from functions.wallet.handler import app as wallet

FILE: Final = Path(functions.__path__[0]) / "api" / "openapi.json"


def text() -> str:
    """The document as it is written: sorted by path, one field a line."""
    return json.dumps(document(api, wallet), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}")
