"""Goal: a wrong environment fails on the first line run, named; a dangerous one never starts."""

import base64

import pytest

from functions.settings import (
    ApiSettings,
    BadSettings,
    BatchSettings,
    FallbackSettings,
    WalletSettings,
)

WALLET = {
    "STAGE": "prod",
    "DATABASE_URL": "postgresql://user:secret@host/db",
    "SOLANA_RPC_URL": "https://one.example,https://two.example",
    "MASTER_SEED_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:seed",
    "SETTLE_QUEUE_URL": "https://sqs.example/1/settle",
    "TREASURY_ADDRESS": "4zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS",
    "REDIS_URL": "rediss://cache",
    "OIDC_ISSUER": "https://issuer.example",
    "SECOND_FACTOR_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0b0b0b0b-0000-4000-8000-01",
}
API = WALLET | {"S3_BUCKET": "bucket"}


def test_a_whole_environment_is_read() -> None:
    settings = WalletSettings.read(WALLET | {"PATH": "/bin"})
    assert settings.require_2fa is True
    assert settings.rpc_urls == ("https://one.example", "https://two.example")


@pytest.mark.parametrize("name", sorted(set(WALLET) - {"STAGE"}))
def test_what_is_missing_is_named_and_nothing_is_shown(name: str) -> None:
    environ = {key: value for key, value in WALLET.items() if key != name}
    with pytest.raises(BadSettings, match=name) as caught:
        WalletSettings.read(environ)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("stage", ["prod", "dev", "LOCAL", ""])
def test_only_one_machine_may_do_without_a_second_factor(stage: str) -> None:
    for settings, environ in ((WalletSettings, WALLET), (ApiSettings, API)):
        with pytest.raises(BadSettings, match="REQUIRE_2FA=false is for STAGE=local only"):
            settings.read(environ | {"STAGE": stage, "REQUIRE_2FA": "false"})
        assert settings.read(environ | {"STAGE": "local", "REQUIRE_2FA": "false"}).stage == "local"


def test_a_forgotten_stage_does_not_open_the_door() -> None:
    environ = {key: value for key, value in WALLET.items() if key != "STAGE"}
    with pytest.raises(BadSettings):
        WalletSettings.read(environ | {"REQUIRE_2FA": "false"})


@pytest.mark.parametrize("as_of", ["yesterday", "2030-01-01T00:00:00"])
def test_the_time_of_a_price_needs_its_zone(as_of: str) -> None:
    with pytest.raises(BadSettings, match="SOL_USD_AS_OF"):
        ApiSettings.read(API | {"SOL_USD": "150", "SOL_USD_AS_OF": as_of})


@pytest.mark.parametrize("stage", [{"STAGE": "prod"}, {}])
def test_v1_messages_are_for_one_machine_only(stage: dict[str, str]) -> None:
    environ = {key: value for key, value in BATCH.items() if key != "STAGE"} | {
        "V1_MESSAGES": "true"
    }
    with pytest.raises(BadSettings, match="V1_MESSAGES=true is for STAGE=local only"):
        BatchSettings.read(environ | stage)
    assert BatchSettings.read(environ | {"STAGE": "local"}).v1_messages


BATCH = {
    "STAGE": "prod",
    "DATABASE_URL": "postgresql://user:secret@host/db",
    "REDIS_URL": "rediss://cache",
    "SOLANA_RPC_URL": "https://one.example,https://two.example",
    "MASTER_SEED_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:seed",
    "TREASURY_PRIVATE_KEY_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key",
    "PLAN_QUEUE_URL": "https://sqs.example/1/plan",
}


KEYS = {"MASTER_SEED": "master_seed_at", "TREASURY_PRIVATE_KEY": "treasury_private_key_at"}
KMS_ARN = "arn:aws:kms:us-east-1:123456789012:key/0a0a0a0a-0000-4000-8000-000000000001"
KEY = base64.b64encode(bytes(range(64))).decode()


def without(name: str) -> dict[str, str]:
    """The settler's environment on one machine, with nothing said of one key."""
    return {key: value for key, value in BATCH.items() if key != f"{name}_ARN"} | {"STAGE": "local"}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_kept_where_its_form_says(name: str) -> None:
    secret, chosen = BATCH[f"{name}_ARN"], BATCH | {f"{name}_ARN": KMS_ARN}
    assert getattr(BatchSettings.read(BATCH), KEYS[name]) == secret
    assert getattr(BatchSettings.read(chosen), KEYS[name]) == KMS_ARN
    itself = BatchSettings.read(without(name) | {name: KEY})
    assert getattr(itself, KEYS[name]) == KEY
    assert KEY not in f"{itself!r} {itself} {itself.model_dump()} {itself.model_dump_json()}"


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(
    "arn",
    [
        "",
        KEY,
        "arn:aws:secretsmanager:us-east-1:1:other:x",
        "arn:aws:kms:us-east-1:1:alias/x",
        "arn:aws:kms:us-east-1:1:key/*",
        "arn:aws:ssm:us-east-1:1:parameter/x",
    ],
)
def test_what_names_no_key_is_refused_and_not_shown(name: str, arn: str) -> None:
    with pytest.raises(BadSettings, match=rf"{name}_ARN: .*must be the ARN of a secret") as caught:
        BatchSettings.read(BATCH | {f"{name}_ARN": arn})
    assert not arn or arn not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("stage", [{"STAGE": "prod"}, {"STAGE": "dev"}, {}])
def test_a_key_itself_is_for_one_machine_only(name: str, stage: dict[str, str]) -> None:
    environ = {key: value for key, value in without(name).items() if key != "STAGE"}
    with pytest.raises(BadSettings, match=f"{name} in the environment is for STAGE=local only"):
        BatchSettings.read(environ | stage | {name: KEY})


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_named_once(name: str) -> None:
    with pytest.raises(BadSettings, match=f"{name}_ARN is missing"):
        BatchSettings.read(without(name))
    with pytest.raises(BadSettings, match=f"{name}_ARN and {name} are both set"):
        BatchSettings.read(BATCH | {"STAGE": "local", name: KEY})


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("text", ["", "12345678901234567890", KEY[:-4], KEY + "!"])
def test_what_is_no_key_is_refused_and_not_shown(name: str, text: str) -> None:
    with pytest.raises(BadSettings, match=f"{name}: .*must be 64 bytes in base64") as caught:
        BatchSettings.read(without(name) | {name: text})
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("BATCH_SIZE", "0", "greater than or equal to 1"),
        ("BATCH_SIZE", "10000", "less than or equal to 1000"),
        ("MIN_BATCH_AMOUNT", "0.0008", "greater than or equal to 0.00089088"),
        ("MIN_BATCH_AMOUNT", "0.0100000001", "no more than 9 decimal places"),
        ("PAYOUT_DEADLINE_S", "-1", "greater than or equal to 0"),
        ("RECEIPT_RETENTION_HOURS", "0", "greater than or equal to 1"),
        ("SIGN_LIMIT_1H_SOL", "0", "greater than 0"),
        ("SIGN_LIMIT_24H_BPS", "10001", "less than or equal to 10000"),
    ],
)
def test_a_number_out_of_bounds_is_named_with_its_rule(name: str, value: str, rule: str) -> None:
    with pytest.raises(BadSettings) as caught:
        BatchSettings.read(BATCH | {name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert rule in str(caught.value)
    assert f"(got {value})" in str(caught.value)


def test_a_settler_whose_settings_are_in_bounds_starts() -> None:
    settings = BatchSettings.read(BATCH | {"BATCH_SIZE": "1000", "MIN_BATCH_AMOUNT": "0.00089088"})
    assert settings.batch_size == 1_000


@pytest.mark.parametrize(
    "urls", ["https://one.example,https://one.example", "https://one.example/,https://one.example"]
)
def test_a_node_that_is_listed_twice_has_no_second_vote(urls: str) -> None:
    with pytest.raises(BadSettings, match=r"SOLANA_RPC_URL: .*twice") as caught:
        BatchSettings.read(BATCH | {"SOLANA_RPC_URL": urls})
    assert "one.example" not in str(caught.value)


FALLBACK = {
    "STAGE": "prod",
    "DATABASE_URL": "postgresql://user:secret@host/db",
    "S3_BUCKET": "bucket",
    "ASSEMBLE_QUEUE_URL": "https://sqs.example/1/assemble",
    "MEDIACONVERT_ROLE_ARN": "arn:aws:iam::123456789012:role/converter",
    "MEDIACONVERT_QUEUE_ARN": "arn:aws:mediaconvert:us-east-1:123456789012:queues/Default",
}


@pytest.mark.parametrize("name", sorted(set(FALLBACK) - {"STAGE"}))
def test_what_the_fallback_lacks_is_named(name: str) -> None:
    assert FallbackSettings.read(FALLBACK).s3_bucket == "bucket"
    environ = {key: value for key, value in FALLBACK.items() if key != name}
    with pytest.raises(BadSettings, match=name):
        FallbackSettings.read(environ)


def test_another_mediaconvert_is_for_one_machine_only() -> None:
    environ = FALLBACK | {"AWS_ENDPOINT_URL_MEDIACONVERT": "http://127.0.0.1:1"}
    with pytest.raises(BadSettings, match="is for STAGE=local only"):
        FallbackSettings.read(environ)
    assert FallbackSettings.read(environ | {"STAGE": "local"}).is_one_machine
