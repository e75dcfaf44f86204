"""The session's servers, with a database for simulated towns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pixr.local.postgres import Postgres
from pixr.local.valkey import Valkey
from tests.simulation.servers import Servers, servers


@pytest.fixture(scope="session")
def town_servers(postgres: Postgres, valkey: Valkey) -> Iterator[Servers]:
    with servers(postgres.url, valkey.url) as found:
        yield found
