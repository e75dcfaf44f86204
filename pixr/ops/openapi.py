"""Write the OpenAPI document from the code: ``python -m pixr.ops.openapi``."""

import json
from pathlib import Path
from typing import Final

import functions
from functions.api.handler import app as api
from functions.openapi import document
from functions.wallet.handler import app as wallet

ROOT: Final = Path(functions.__path__[0]).parent
FILES: Final = (ROOT / "docs" / "openapi.json", ROOT / "functions" / "api" / "openapi.json")
"""For people, and for the function that serves it."""


def text() -> str:
    """The document as it is written: sorted by path, one field a line."""
    return json.dumps(document(api, wallet), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file in FILES:
        file.write_text(text(), encoding="utf-8")
        print(f"wrote {file}")
