"""Servers that the user brings: tried at once, refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixr.local import aws, process
from pixr.local.chain import running_chain
from pixr.local.errors import LocalError
from pixr.local.given import Given, read_choices, without_password


def test_nothing_given_is_nothing_checked() -> None:
    assert Given.read({}) == Given()
    assert Given().check() == "localnet"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "localhost:5432"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://127.0.0.1:port"),
        ("SOLANA_RPC_URL", "http://127.0.0.1:8899,localhost"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:70000"),
    ],
)
def test_a_malformed_address_is_named(name: str, value: str) -> None:
    with pytest.raises(LocalError, match=f"^{name} is not an address.*unset {name}"):
        Given.read({name: value})


@pytest.mark.parametrize("value", ["0", "-1", "cheap", "1e3", "150,00"])
def test_a_malformed_price_is_named(value: str) -> None:
    with pytest.raises(LocalError, match=r"^SOL_USD is .*not a price"):
        Given.read({"SOL_USD": value})


def test_settings_are_taken_by_the_names_that_the_functions_know() -> None:
    chosen = Given.read({"LOOKUP_TABLES": "true", "SIGN_LIMIT_1H_SOL": "2.5", "V1_MESSAGES": ""})
    assert chosen.chosen == {
        **Given().chosen,
        "lookup_tables": "true",
        "sign_limit_1h_sol": "2.5",
        "v1_messages": "false",
    }
    assert read_choices({"V1_MESSAGES": "true"})["v1_messages"] == "true"


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("LOOKUP_TABLES", "yes", "true or false"),
        ("RETURN_CAP_BPS", "-1", "a whole number from 0 to 100000"),
        ("MIN_BATCH_AMOUNT", "0.0008", "a number of 0.00089088 or more"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_named_with_the_rule(
    name: str, value: str, rule: str
) -> None:
    with pytest.raises(LocalError, match=f"^{name} must be {rule}.*, not '{value}'"):
        Given.read({name: value})


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:{}/pixr"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:{}/0"),
        ("SOLANA_RPC_URL", "http://user:hunter2@127.0.0.1:{}"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:{}"),
    ],
)
def test_an_unreachable_server_is_named_without_its_password(name: str, form: str) -> None:
    given = Given.read({name: form.format(process.free_port())})
    with pytest.raises(LocalError, match=f"^{name} .*unset {name}") as refused:
        given.check()
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_reachable_servers_are_taken(
    empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with running_chain() as chain, aws.running_aws(tmp_path, keep=False) as cloud:
        given = Given.read(
            {
                "DATABASE_URL": empty_database_url,
                "REDIS_URL": redis_url,
                "SOLANA_RPC_URL": f"{chain.url},{chain.url}",
                "AWS_ENDPOINT_URL": cloud.endpoint,
            }
        )
        assert given.check() == "localnet"


def test_a_password_is_not_shown() -> None:
    assert without_password("redis://:x@h:1/0") == "redis://h:1/0"
    assert without_password("postgresql://u:x@h/d?a=b") == "postgresql://u@h/d?a=b"
    assert without_password("http://h:1") == "http://h:1"
