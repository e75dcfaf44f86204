"""A stage that is told too little, or something wrong, says so in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from infra.choices import CHOICES, DEFAULTS, Choice
from infra.context import (
    ChosenKeys,
    ContextError,
    cloud_choices,
    cloud_keys,
    cloud_lookup,
    read_settings,
    stage_of,
)
from tests.infra.chosen import KEYS_IN_KMS

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
        read_settings("dev", cloud_lookup(context({"stages": stages}), "dev"), DEFAULTS)


def test_the_command_line_wins_over_the_file() -> None:
    given = context({"stages": {"dev": COMPLETE}, "network": "testnet"})
    settings = read_settings("dev", cloud_lookup(given, "dev"), DEFAULTS)
    assert settings.network == "testnet"
    assert settings.solana_rpc_url == "https://rpc.example"


def test_no_cloud_stage_goes_without_the_second_factor() -> None:
    given = context({"stages": {"prod": {**COMPLETE, "require_2fa": "false"}}})
    with pytest.raises(ContextError, match="require_2fa must be true in stage prod, not 'false'"):
        read_settings("prod", cloud_lookup(given, "prod"), DEFAULTS)


def test_one_machine_may() -> None:
    values = {**COMPLETE, "require_2fa": "false"}
    settings = read_settings("local", lambda name: values[name], DEFAULTS)
    assert settings.require_2fa == "false"
    assert settings.is_local


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ContextError, match="stage must be one of local, dev, prod, not 'test'"):
        stage_of(context({"stage": "test"}))


def test_the_stage_is_dev_when_nobody_says() -> None:
    assert stage_of(context({})) == "dev"


def chosen(file: Mapping[str, object] | None = None, /, **line: object) -> dict[str, str]:
    """What a stage gets, of what stands in cdk.json and on the command line."""
    values: dict[str, object] = {"stages": {"prod": file or {}}, "stage": "prod", **line}
    values |= {"aws:cdk:version-reporting": True, "@aws-cdk/core:checkSecretUsage": True}
    return cloud_choices(context(values), list(values), "prod")


def test_nothing_chosen_is_every_default() -> None:
    assert chosen() == DEFAULTS
    assert set(chosen(COMPLETE)) == {choice.name for choice in CHOICES}


def test_a_setting_may_stand_in_the_file_and_on_the_command_line_which_wins() -> None:
    found = chosen({"lookup_tables": True, "batch_size": 40, "funding_days": "7"}, batch_size="41")
    assert found == {**DEFAULTS, "lookup_tables": "true", "batch_size": "41", "funding_days": "7"}
    assert chosen({"return_cap_bps": 0})["return_cap_bps"] == "0"


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("batch_size", "0", "must be a whole number from 1 to 1000, not '0'"),
        ("batch_size", "1001", "from 1 to 1000, not '1001'"),
        ("batch_size", "50.0", "a whole number from 1 to 1000, not '50.0'"),
        ("views_per_viewer_day", "", "a whole number of 1 or more, not ''"),
        ("view_rate_lamports", "-1", "a whole number of 1 or more, not '-1'"),
        ("min_batch_amount", "0.01 SOL", "a number of 0.00089088 or more with"),
        ("sign_limit_1h_sol", "0.0000000001", "with at most 9 decimal places"),
        ("sign_limit_1h_sol", "0", "a number of 0.000000001 or more"),
        ("lookup_tables", "yes", "true or false, not 'yes'"),
        ("lookup_tables", 1, "true or false, not '1'"),
        ("v1_messages", "true", "may be true on one machine only"),
    ],
)
def test_a_value_that_breaks_its_rule_is_named_with_the_rule(
    name: str, value: object, rule: str
) -> None:
    for given in (chosen_by_file, chosen_by_line):
        with pytest.raises(ContextError, match=f"^stage prod: {name} ") as refused:
            given(name, value)
        assert rule in str(refused.value)


def chosen_by_file(name: str, value: object) -> None:
    chosen({name: value})


def chosen_by_line(name: str, value: object) -> None:
    chosen(**{name: value})


@pytest.mark.parametrize("name", ["lookup_table", "LOOKUP_TABLES"])
def test_a_name_that_nobody_knows_is_refused_with_one_that_is_close(name: str) -> None:
    for given in (chosen_by_file, chosen_by_line):
        wanted = f"stage prod has no setting {name}: did you mean lookup_tables"
        with pytest.raises(ContextError, match=wanted):
            given(name, "true")
    with pytest.raises(ContextError, match=r"no setting colour; infra/choices.py has them all"):
        chosen(colour="red")


def test_a_file_without_stages_is_no_reason_to_break() -> None:
    assert cloud_choices(context({"stages": "none"}), ["stages"], "dev") == DEFAULTS


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_a_default_keeps_its_own_rule(choice: Choice) -> None:
    assert choice.refusal(choice.default, is_local=False) is None


def test_keys_are_secrets_until_a_key_in_kms_is_chosen() -> None:
    assert cloud_keys(context({"stages": {"prod": COMPLETE}}), "prod") == ChosenKeys()
    file = {"stages": {"prod": KEYS_IN_KMS}}
    assert cloud_keys(context(file), "prod") == ChosenKeys(**KEYS_IN_KMS)
    other = KEYS_IN_KMS["treasury_key_arn"]
    assert cloud_keys(context({**file, "master_seed_arn": other}), "prod").master_seed_arn == other
    assert chosen(KEYS_IN_KMS) == DEFAULTS


@pytest.mark.parametrize("name", KEYS_IN_KMS)
@pytest.mark.parametrize(
    "value",
    [
        "the-key-itself",
        "arn:aws:secretsmanager:us-east-1:111111111111:secret:seed",
        "arn:aws:kms:us-east-1:111111111111:alias/seed",
        "arn:aws:kms:us-east-1:111111111111:key/*",
    ],
)
def test_what_is_no_key_of_kms_is_refused_and_not_shown(name: str, value: str) -> None:
    wanted = f"^stage prod: {name} must be the ARN of a KMS key, arn:aws:kms:<region>"
    with pytest.raises(ContextError, match=wanted) as refused:
        cloud_keys(context({name: value}), "prod")
    assert value not in str(refused.value)
