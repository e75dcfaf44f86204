"""Each benchmark runs, small, and ends with one line that a program can read."""

import functools
import json
import math
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.catalogue import BENCHMARKS
from pixr.ops.cli import app

SMALL = {
    "cold": ("--repeats", "1"),
    "wallet": ("--repeats", "2", "--derivations", "50"),
    "ingest": (
        *("--repeats", "1", "--views", "500", "--creators", "7"),
        *("--creators-most", "20"),
    ),
    "size": ("--repeats", "1"),
    "limits": ("--repeats", "1"),
    "door": ("--repeats", "1", "--seconds", "1"),
    "withdraw": ("--repeats", "1", "--withdrawals", "2", "--slot-ms", "20"),
    "settle": ("--repeats", "1", "--payees", "17"),
    "fees": ("--repeats", "1", "--minutes", "60"),
    "reprocess": (
        *("--repeats", "1", "--film-s", "1", "--large-film-s", "0"),
        *("--clips", "0"),
    ),
}
PROMISED = {
    "cold": {
        "import_pydantic_cpu_ms",
        *(
            f"{handler}_{what}"
            for handler in ("wallet", "api", "batch", "plan", "encode", "assemble")
            for what in ("cpu_ms", "vs_import_pydantic")
        ),
    },
    "wallet": {"derivations_per_s", "solders_path_per_s", "vs_solders_path"},
    "size": {
        f"{group}_{what}"
        for group in ("wallet", "api", "batch", "reprocess")
        for what in ("unzipped_mb", "zipped_mb", "vs_reprocess")
    },
    "limits": {
        *("checks_per_s", "library_checks_per_s", "vs_library", "round_trips", "memory_bytes"),
        *("passed", "library_passed", "import_ms", "library_import_ms", "library_kb"),
    },
    "door": {
        f"{route}_{what}"
        for route in ("nothing", "wallet", "balance")
        for what in ("p50_ms", "p99_ms", "per_s", "per_core_s")
    }
    | {"wallet_alone_p50_ms", "balance_alone_p50_ms", "wallet_vs_nothing", "balance_vs_nothing"},
    "withdraw": {
        *("whole_s", "whole_p90_s", "plain_s", "vs_plain"),
        *("accept_s", "sent_s", "final_s", "cold_s"),
    },
    "ingest": {
        *("views_per_s", "events_per_minute", "inserts_per_s", "copy_rows_per_s"),
        *("vs_insert_per_view", "vs_job_per_view", "vs_raw_copy", "jobs_per_s"),
        *("creators_7_repeated_1_vs_raw_copy", "creators_7_repeated_50_vs_raw_copy"),
        "creators_20_repeated_10_vs_raw_copy",
    },
    "settle": {
        *("payees_per_s", "build_sign_payees_per_s", "vs_build_sign"),
        *("payees_per_transaction", "fee_per_payee_lamports", "fee_alone_lamports"),
        *("vs_fee_alone", "fee_at_quiet_price_per_payee_lamports"),
    },
    "reprocess": {
        *("hd_cpu_s", "hd_ladder_cpu_s", "hd_speech_cpu_s", "hd_scenes_cpu_s"),
        *("hd_embeddings_cpu_s", "hd_lambda_wall_s", "hd_all_lambda_wall_s", "hd_speedup"),
        *("hd_usd", "hd_billed_usd", "hd_converted_usd", "hd_analysed_usd", "hd_own_usd"),
        *("hd_vs_managed_percent", "hd_vs_own_percent", "hd_chunk_read_vs_share"),
        *("hd_vmaf", "hd_one_pass_vmaf", "hd_analysis_kept_percent", "hd_chunks_vs_one_pass_cpu"),
    },
    "fees": {
        f"{trace}_{what}"
        for trace in ("slots", "tips", "diurnal", "mint", "congested")
        for what in ("saving_percent", "saving_most_percent", "regret_percent", "delay_max_s")
    },
}
MAY_COST = ("_timing_percent", "_urgency_percent", "estimate_bias_percent")
"""Parts of a saving that can be a loss; what can be thought too cheap."""


@functools.cache
def bench(*arguments: str) -> str:
    """What the command prints, when all is well. Asked twice, it has run once."""
    result = CliRunner().invoke(app, ["bench", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def last_line(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def test_every_benchmark_is_tried_here() -> None:
    assert set(SMALL) == set(PROMISED) == set(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_ends_with_its_figures_as_json(name: str) -> None:
    output = bench(name, *SMALL[name])
    found = last_line(output)
    assert found["bench"] == name
    assert set(found) >= PROMISED[name]
    figures = {key: value for key, value in found.items() if isinstance(value, int | float)}
    assert set(figures) >= PROMISED[name]
    assert all(math.isfinite(value) for value in figures.values())
    assert all(value >= 0 for key, value in figures.items() if not key.endswith(MAY_COST))
    assert all(found[key] > 0 for key in PROMISED[name])
    assert found["machine"]["cpu"]
    assert found["conditions"]["repeats"] == int(SMALL[name][1])
    assert "\x1b" not in output, "colours are for terminals"


def test_settlement_fills_transactions_and_shares_their_fee() -> None:
    found = last_line(bench("settle", *SMALL["settle"]))
    assert found["payees_per_transaction_max"] == 16
    assert found["payees_per_transaction"] == 8.5  # 16 and 1
    assert found["fee_alone_lamports"] == 5_000
    assert found["fee_per_payee_lamports"] >= 588  # 2 × 5,000 over 17
    assert "off" not in (found["conditions"]["fsync"], found["conditions"]["synchronous_commit"])


def test_a_quiet_minute_costs_the_limits_times_its_price_besides() -> None:
    found = last_line(bench("settle", "--repeats", "1", "--payees", "16"))
    assert "5,000 micro-lamports a unit" in found["conditions"]["quiet_price"]
    # 19 native instructions and the memo in the payment; a limit, a price and a receipt at home.
    charged = found["fee_with_reclaim_per_payee_lamports"]
    assert charged == 625  # two transactions, of which the reclaim carries one receipt
    beside = (found["fee_at_quiet_price_per_payee_lamports"] - charged) * 16
    assert 16 <= beside <= 20


def test_settlement_with_lookup_tables_shares_a_fee_among_more() -> None:
    found = last_line(bench("settle", "--tables", "--repeats", "1", "--payees", "48"))
    assert found["conditions"]["tables"].startswith("on")
    assert found["payees_in_tables"] == 46
    assert found["payees_per_transaction_max"] == 41
    assert found["payees_per_transaction"] == 24
    assert found["fee_per_payee_lamports"] == round(2 * 5_000 / 48, 1)


def test_tables_and_growth_do_not_go_together() -> None:
    result = CliRunner().invoke(app, ["bench", "settle", "--tables", "--growth"])
    assert result.exit_code == 2
    assert "Leave one of them out" in result.stderr


def test_ingest_counts_repeats_as_no_views() -> None:
    conditions = last_line(bench("ingest", *SMALL["ingest"], "--no-sweep"))["conditions"]
    assert conditions["events"] == 500
    assert 400 < conditions["views"] < 490


def test_a_sustained_ingest_says_what_it_did_to_memory() -> None:
    found = last_line(bench("ingest", "--sustain", "2", "--creators", "7"))
    assert found["sustained_views"] > 0
    assert found["sustained_events_per_minute"] > 0
    assert found["sustained_lowest_minute"] > 0
    assert found["conditions"]["seconds"] == 2
    for part in ("drain", "postgres", "valkey"):
        assert found[f"{part}_mib"] > 0
        assert found[f"{part}_memory_growth"] > 0


def test_fees_are_never_below_hindsight_and_a_quiet_day_is_paid_at_once() -> None:
    found = last_line(bench("fees", *SMALL["fees"]))
    for trace in ("slots", "tips", "quiet", "diurnal", "mint", "congested"):
        assert found[f"{trace}_saving_percent"] <= found[f"{trace}_saving_most_percent"]
        assert found[f"{trace}_delay_max_s"] <= 600
        assert "made up" in found["conditions"][trace] or trace in ("slots", "tips")
    assert found["quiet_saving_percent"] == 0
    assert found["quiet_delay_max_s"] <= 60


def test_an_upgrade_of_one_chunk_is_what_one_pass_makes() -> None:
    found = last_line(bench("reprocess", *SMALL["reprocess"]))
    assert found["hd_vmaf_off"] == 0
    assert found["hd_size_off_percent"] == 0
    assert found["hd_analysis_kept_percent"] == 100
    assert found["goals"]["hd_speedup"]["met"] is False  # a second of film is not worth it


def test_without_a_name_they_are_listed() -> None:
    output = bench()
    for name, sentence in BENCHMARKS.items():
        assert re.search(rf"{name}\s+{re.escape(sentence)}", output)


def test_an_unknown_name_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(app, ["bench", "nothing"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "pixr: There is no benchmark `nothing`."
        " Choose one of: cold, size, wallet, limits, door, withdraw, ingest, reprocess,"
        " settle, fees.\n"
    )
