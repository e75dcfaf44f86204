"""A stage that is told too little, or something wrong, says so in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from infra.context import ContextError, cloud_lookup, read_settings, stage_of

COMPLETE = {
    "network": "devnet",
    "solana_rpc_url": "https://rpc.example",
    "issuer": "https://auth.example",
    "treasury_address": "5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G",
    "sol_usd": "150",
    "sol_usd_as_of": "2026-11-01T00:00:00Z",
    "require_2fa": "true",
}


def context(values: Mapping[str, object]) -> Callable[[str], object]:
    return values.get


@pytest.mark.parametrize("missing", COMPLETE)
def test_a_missing_value_is_named_with_the_way_to_give_it(missing: str) -> None:
    stages = {"dev": {name: value for name, value in COMPLETE.items() if name != missing}}
    with pytest.raises(ContextError, match=f"stage dev needs {missing}: pass -c {missing}=…"):
        read_settings("dev", cloud_lookup(context({"stages": stages}), "dev"))


def test_the_command_line_wins_over_the_file() -> None:
    given = context({"stages": {"dev": COMPLETE}, "network": "testnet"})
    settings = read_settings("dev", cloud_lookup(given, "dev"))
    assert settings.network == "testnet"
    assert settings.solana_rpc_url == "https://rpc.example"


def test_no_cloud_stage_goes_without_the_second_factor() -> None:
    values = {**COMPLETE, "require_2fa": "false"}
    with pytest.raises(ContextError, match="require_2fa must be true in stage prod, not 'false'"):
        read_settings("prod", cloud_lookup(context({"stages": {"prod": values}}), "prod"))


def test_one_machine_may() -> None:
    settings = read_settings("local", lambda name: {**COMPLETE, "require_2fa": "false"}[name])
    assert settings.require_2fa == "false"
    assert settings.is_local


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ContextError, match="stage must be one of local, dev, prod, not 'test'"):
        stage_of(context({"stage": "test"}))


def test_the_stage_is_dev_when_nobody_says() -> None:
    assert stage_of(context({})) == "dev"
