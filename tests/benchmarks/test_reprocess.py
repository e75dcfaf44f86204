"""Goal: what `pixr bench reprocess` reckons without measuring is reckoned right."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import reprocess_prices as prices
from benchmarks import reprocess_schedule as schedule
from benchmarks.reprocess_bytes import Share, between, moov_bytes, read_packets
from benchmarks.reprocess_errors import Thought, error_figures, percentile
from benchmarks.reprocess_schedule import Task, Work, fan_out, in_turn, run_s, side_by_side
from pixr.domain.quotes import VCPU_S_USD
from tests.clips import numbered

TASKS = st.builds(
    Task,
    cpu_s=st.floats(0, 1_000),
    bytes_moved=st.integers(0, 10**9),
    requests=st.integers(0, 50),
)
WORKS = st.builds(
    Work,
    plan=TASKS,
    search=TASKS,
    chunks=st.lists(TASKS, min_size=1, max_size=150),
    assemble=TASKS,
)
QUICK = Task(cpu_s=0.0)


def work(*chunks: Task) -> Work:
    return Work(plan=QUICK, search=QUICK, chunks=chunks, assemble=QUICK)


def test_one_core_takes_what_was_measured_and_more_take_less() -> None:
    task = Task(cpu_s=10.0)
    assert run_s(task, 1) == pytest.approx(10)
    assert run_s(task, 4) == pytest.approx(10 * (0.05 + 0.95 / 4))
    assert run_s(replace(task, is_single_threaded=True), 6) == 10


def test_what_is_moved_and_asked_for_takes_its_time() -> None:
    task = Task(cpu_s=0.0, bytes_moved=140_000_000, requests=3)
    assert run_s(task, 4) == pytest.approx(2 + 3 * schedule.REQUEST_S)


def test_one_chunk_is_made_by_the_encoder_that_searched() -> None:
    found = fan_out(work(Task(cpu_s=40.0)))
    assert found.workers == 1
    assert found.stages["chunks"] == pytest.approx(
        schedule.MESSAGE_S + run_s(Task(cpu_s=40.0), schedule.ENCODER_VCPUS)
    )
    assert found.wall_s == pytest.approx(sum(found.stages.values()))


def test_five_begin_at_once_and_five_more_each_second() -> None:
    chunk = Task(cpu_s=400.0)
    each_s = run_s(chunk, schedule.ENCODER_VCPUS)
    cold_s = schedule.MESSAGE_S + schedule.COLD_START_S + each_s
    assert fan_out(work(*[chunk] * 5)).stages["chunks"] == pytest.approx(cold_s)
    assert fan_out(work(*[chunk] * 15)).stages["chunks"] == pytest.approx(cold_s + 2)
    assert fan_out(work(*[chunk] * 15)).workers == 15


def test_no_more_encoders_than_there_may_be() -> None:
    chunk = Task(cpu_s=400.0)
    found = fan_out(work(*[chunk] * 9), workers_max=3)
    assert found.workers == 3
    assert found.stages["chunks"] >= 3 * run_s(chunk, schedule.ENCODER_VCPUS)


@given(WORKS)
def test_a_schedule_is_no_shorter_than_its_longest_chunk_and_no_longer_than_all_in_turn(
    given_work: Work,
) -> None:
    found = fan_out(given_work)
    chunks_s = [run_s(chunk, schedule.ENCODER_VCPUS) for chunk in given_work.chunks]
    bound_s = schedule.MESSAGE_S + sum(chunks_s) + 1e-6
    assert max(chunks_s) <= found.stages["chunks"] <= bound_s
    assert 1 <= found.workers <= min(len(chunks_s), schedule.ENCODERS_MAX)
    # Whoever works is paid for.
    assert found.billed_vcpu_s >= schedule.ENCODER_VCPUS * sum(chunks_s)


@given(WORKS, TASKS)
def test_another_chunk_never_ends_earlier(given_work: Work, more: Task) -> None:
    longer = replace(given_work, chunks=[*given_work.chunks, more])
    assert fan_out(longer).wall_s >= fan_out(given_work).wall_s - 1e-6


def test_tasks_side_by_side_take_as_long_as_the_longest() -> None:
    tasks = {"ladder": Task(cpu_s=60.0), "speech": Task(cpu_s=30.0, is_single_threaded=True)}
    turn, beside = in_turn(tasks), side_by_side(tasks)
    assert turn.wall_s > beside.wall_s
    assert beside.wall_s == pytest.approx(schedule.MESSAGE_S + schedule.COLD_START_S + 30)
    assert turn.billed_vcpu_s == pytest.approx(6 * (turn.wall_s - schedule.MESSAGE_S))


def test_a_full_reprocess_of_ten_minutes_costs_what_the_lists_say() -> None:
    """480, 720 and 1080: $0.0075 + 2 × $0.015 a minute; analysis $0.174 a minute and 600 images."""
    ten = {"frames": 14_400, "seconds": 600}
    assert prices.converted_usd([480, 720, 1080], **ten) == pytest.approx(0.375)
    assert prices.converted_usd([480, 720, 1080, 1440, 2160], **ten) == pytest.approx(0.975)
    second = prices.converted_usd([480], frames=24, seconds=1)
    assert second == pytest.approx(0.0075 / 6)  # ten seconds at least
    assert prices.analysed_usd(600) == pytest.approx(1.74 + 0.036)


def test_work_costs_its_processor_time_its_calls_and_its_requests() -> None:
    assert prices.worked_usd(100.0, calls=0, requests=0) == pytest.approx(100 * float(VCPU_S_USD))
    assert prices.worked_usd(0.0, calls=10**6, requests=10**6) == pytest.approx(1.4 + 0.4)


def test_every_price_says_when_and_from_where() -> None:
    assert all(price.usd > 0 and price.as_of and price.source for price in prices.PRICES.values())


LISTING = """#tb 0: 1/24
#media_type 0: video
#tb 1: 1/48000
#media_type 1: audio
0, -1, 0, 1, 900, 0xabc
1, 0, 0, 1024, 50, 0xabc
0, 0, 2, 1, 100, 0xabc, F=0x0
1, 4000, 4000, 1024, 60, 0xabc, F=0x5
0, 1, 24, 1, 800, 0xabc, S=1, 8, 0xdef
"""


def test_packets_are_read_with_their_times_sizes_and_keys() -> None:
    packets = read_packets(LISTING)
    assert [packet.size_bytes for packet in packets] == [900, 50, 100, 60, 800]
    assert [packet.at_s for packet in packets] == [0, 0, Fraction(1, 12), Fraction(1, 12), 1]
    assert [packet.is_key for packet in packets] == [True, True, False, True, True]
    assert [packet.is_picture for packet in packets] == [True, False, True, False, True]
    assert between(packets, Fraction(0), Fraction(1)) == 1_110
    assert between(packets, Fraction(1), Fraction(2)) == 800


def test_what_was_read_is_compared_with_the_share_and_with_what_must_be_read() -> None:
    share = Share(read_bytes=300, own_bytes=100, preroll_bytes=80, index_bytes=20)
    assert share.plain == 3
    assert share.of_needed == 1.5


def test_the_index_of_an_mp4_is_found_wherever_it_is(tmp_path: Path) -> None:
    last = numbered(tmp_path / "last.mp4", seconds=1)
    first = numbered(tmp_path / "first.mp4", seconds=1, options=("-movflags", "+faststart"))
    assert moov_bytes(last) == moov_bytes(first) > 500
    nothing = tmp_path / "nothing.mp4"
    nothing.write_bytes(b"\x00\x00\x00\x08free")
    with pytest.raises(ValueError, match="no index"):
        moov_bytes(nothing)


def thought(usd: float, *, is_held_out: bool) -> Thought:
    return Thought(
        name="a clip",
        is_held_out=is_held_out,
        usd=usd,
        usd_was=1.0,
        cpu_s=2.0,
        cpu_s_was=1.0,
        size_bytes=50,
        size_bytes_was=100,
    )


def test_only_clips_that_nobody_looked_at_count_for_the_goal() -> None:
    held = [thought(usd, is_held_out=True) for usd in (0.5, 1.05, 1.3)]
    known = [thought(1.0, is_held_out=False)]
    found = {figure.key: figure for figure in error_figures([*held, *known])}
    assert found["estimate_error_held_out_percent"].value == pytest.approx(30)
    assert found["estimate_error_held_out_percent"].is_met is False
    assert found["estimate_bias_held_out_percent"].value == pytest.approx(5)
    assert found["estimate_error_known_percent"].value == 0
    assert found["estimate_error_known_percent"].goal == ""
    assert held[0].sentence == ("a clip (held out): -50 %; CPU +100 % of 1.0 s, bytes -50 % of 100")


def test_a_percentile_lies_between_two_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert percentile([0.0, 10.0], 0.9) == pytest.approx(9)
    assert percentile([7.0], 0.9) == 7
