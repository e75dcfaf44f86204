"""The figures of one film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks import reprocess_prices as prices
from benchmarks.figures import Figure, at_least, at_most, exact
from benchmarks.reprocess_errors import off_percent
from benchmarks.reprocess_films import Compared
from benchmarks.reprocess_path import Step, Used
from benchmarks.reprocess_schedule import Task, Work, fan_out, in_turn, side_by_side
from pixr.domain.quality import JOINS_MAX

PERCENT = 100
MEGA = 1e6
LONG_S = 600
"""Films of ten minutes are reckoned with, too: what is done once per job weighs less there."""

SPEEDUP_MIN = 10
COST_PERCENT_MAX = 10
VMAF_MAX = 0.3
SIZE_PERCENT_MAX = 3
BYTES_MAX = 1.2
CPU_MAX = 1.1


def film_figures(film: Compared) -> list[Figure]:
    """Everything about one film, its name in front."""
    groups = (_cpu(film), _walls(film), _money(film), _bytes(film), _quality(film))
    key = film.source.key
    return [
        replace(figure, key=f"{key}_{figure.key}", label=f"{film.source.rung}p: {figure.label}")
        for group in groups
        for figure in group
    ]


def _cpu(film: Compared) -> list[Figure]:
    made, megapixels = film.made, film.pixels / MEGA
    # Plain FFmpeg does not look at what it made.
    checks_s = sum(step.checks.cpu_s for step in made.named("chunk"))
    encoded_s = made.cpu_of("chunk") - checks_s
    plain_s = film.beside.encoded.cpu_s
    steps = (("plan", "plan"), ("search", "search"), ("chunk", "chunks"), ("assemble", "assemble"))
    return [
        exact("cpu_s", "our way, CPU", "s", made.cpu_s),
        *(
            exact(
                f"{name}_cpu_s", f"… {label}", "s", sum(one.used.cpu_s for one in made.named(name))
            )
            for name, label in steps
        ),
        exact(
            "ladder_cpu_s",
            f"ladder of {len(film.rungs)} in one process, CPU",
            "s",
            film.ladder.cpu_s,
        ),
        *(exact(f"{one.name}_cpu_s", f"… {one.name}", "s", one.cpu_s) for one in film.analysed),
        exact("one_pass_cpu_s", "the same rung in one pass, CPU", "s", plain_s),
        exact("megapixels", "pixels made, our way", "MPx", megapixels),
        exact("ladder_megapixels", "pixels made, ladder", "MPx", _ladder_megapixels(film)),
        exact("checks_cpu_s", "chunks decoded once they are made, CPU", "s", checks_s),
        exact(
            "chunks_ms_per_megapixel",
            "chunks without that, CPU a megapixel",
            "ms",
            1e3 * encoded_s / megapixels,
        ),
        at_most(
            exact(
                "chunks_vs_one_pass_cpu",
                "chunks without that ÷ one pass, CPU",
                "×",
                encoded_s / plain_s,
            ),
            CPU_MAX,
        ),
        at_most(
            exact("vs_one_pass_cpu", "all of our way ÷ one pass, CPU", "×", made.cpu_s / plain_s),
            CPU_MAX,
        ),
    ]


def _ladder_megapixels(film: Compared) -> float:
    top = film.plan.size.short_px
    return sum(film.pixels * (rung / top) ** 2 for rung in film.rungs) / MEGA


def _task(used: Used) -> Task:
    return Task(
        cpu_s=used.cpu_s,
        bytes_moved=used.bytes_read + used.bytes_written,
        requests=used.requests,
    )


def work_of(film: Compared, *, times: int = 1) -> Work:
    """The job as its steps were, or as if the film went on ``times`` as long.

    A longer film has more chunks, and more joins up to so many; its samples are not more, and
    neither planning nor searching knows how long it is.
    """
    made = film.made
    plan, search, assemble = (made.named(name)[0] for name in ("plan", "search", "assemble"))
    joins = len(film.shares) - 1
    judged = min(JOINS_MAX, len(film.shares) * times - 1) / joins if joins else 1.0
    joined = assemble.used.plus(assemble.used, times - 1)
    joined = joined.plus(assemble.samples, 1 - times).plus(assemble.joins, judged - times)
    return Work(
        plan=_task(plan.used),
        search=_task(search.used),
        chunks=[_task(step.used) for step in made.named("chunk")] * times,
        assemble=_task(joined),
    )


def all_again(film: Compared, *, times: int = 1) -> Mapping[str, Task]:
    """The tasks of a full reprocess. Each reads the whole source once."""
    source_bytes = film.source_bytes
    ladder = Task(
        cpu_s=film.ladder.cpu_s,
        bytes_moved=source_bytes + film.ladder.size_bytes,
        requests=1 + len(film.rungs),
    )
    analysers = {
        one.name: Task(
            cpu_s=one.cpu_s,
            bytes_moved=source_bytes + one.bytes_written,
            requests=2,
            is_single_threaded=one.name == "speech",
        )
        for one in film.analysed
    }
    return {name: _longer(task, times) for name, task in {"ladder": ladder, **analysers}.items()}


def _longer(task: Task, times: int) -> Task:
    return replace(
        task,
        cpu_s=task.cpu_s * times,
        bytes_moved=task.bytes_moved * times,
        requests=task.requests * times,
    )


def _walls(film: Compared) -> list[Figure]:
    here_s = sum(step.wall_s for step in film.made.steps)
    all_here_s = film.ladder.wall_s + sum(one.wall_s for one in film.analysed)
    figures = [
        exact("wall_s", "our way, on this machine", "s", here_s),
        exact("all_wall_s", "everything again, on this machine", "s", all_here_s),
    ]
    long_times = max(1, round(LONG_S / film.source.seconds))
    for suffix, label, times in (("", "", 1), ("_long", " (ten minutes)", long_times)):
        ours = fan_out(work_of(film, times=times))
        again = all_again(film, times=times)
        turn_s, beside_s = in_turn(again).wall_s, side_by_side(again).wall_s
        figures += [
            exact(
                f"lambda_wall_s{suffix}",
                f"our way, {ours.workers} workers, reckoned{label}",
                "s",
                ours.wall_s,
            ),
            *(
                exact(f"lambda_{stage}_s{suffix}", f"… {stage}{label}", "s", seconds)
                for stage, seconds in ours.stages.items()
            ),
            exact(
                f"all_lambda_wall_s{suffix}",
                f"everything again, one 6-vCPU worker, reckoned{label}",
                "s",
                turn_s,
            ),
            exact(
                f"all_beside_wall_s{suffix}", f"… its four parts side by side{label}", "s", beside_s
            ),
            at_least(
                exact(
                    f"speedup{suffix}",
                    f"everything again ÷ our way{label}",
                    "×",
                    turn_s / ours.wall_s,
                ),
                SPEEDUP_MIN,
            ),
            exact(
                f"speedup_beside{suffix}",
                f"… its four parts side by side{label}",
                "×",
                beside_s / ours.wall_s,
            ),
            exact(
                f"speedup_here{suffix}",
                f"… in turn on this machine{label}",
                "×",
                all_here_s * times / ours.wall_s,
            ),
        ]
    return figures


def _money(film: Compared) -> list[Figure]:
    seconds, steps = film.source.seconds, film.made.steps
    requests = sum(step.used.requests for step in steps)
    ours_usd = prices.worked_usd(film.made.cpu_s, calls=len(steps), requests=requests)
    billed_usd = prices.billed_usd(fan_out(work_of(film)), calls=len(steps), requests=requests)
    converted_usd = prices.converted_usd(film.rungs, frames=film.plan.frames, seconds=seconds)
    analysed_usd = prices.analysed_usd(seconds)
    managed_usd = converted_usd + analysed_usd
    again = all_again(film)
    all_cpu_s = sum(task.cpu_s for task in again.values())
    all_requests = sum(task.requests for task in again.values())
    own_usd = prices.worked_usd(all_cpu_s, calls=len(again), requests=all_requests)
    share = PERCENT * ours_usd / managed_usd
    thought = off_percent(*(float(film.made.job[name]["usd"]) for name in ("estimate", "actual")))
    return [
        exact("estimate_bias_percent", "our way, thought too dear by", "%", thought),
        exact("usd", "our way, at the price table's rates", "$", ours_usd),
        exact("billed_usd", "our way, as Lambda would bill idle cores", "$", billed_usd),
        exact("converted_usd", "the ladder by MediaConvert", "$", converted_usd),
        exact("analysed_usd", "the analysis by AWS's services", "$", analysed_usd),
        exact("own_usd", "own ladder and own analysis on Lambda", "$", own_usd),
        at_most(
            exact("vs_managed_percent", "our way ÷ MediaConvert and managed analysis", "%", share),
            COST_PERCENT_MAX,
        ),
        exact("billed_vs_managed_percent", "… as billed", "%", PERCENT * billed_usd / managed_usd),
        exact(
            "vs_own_percent",
            "our way ÷ own ladder and own analysis",
            "%",
            PERCENT * ours_usd / own_usd,
        ),
    ]


def _bytes(film: Compared) -> list[Figure]:
    steps: Sequence[Step] = film.made.steps
    shares = film.shares
    own = sum(one.own_bytes for one in shares)
    worst = max(one.plain for one in shares)
    whole = sum(one.read_bytes for one in shares)
    needed = own + sum(one.preroll_bytes + one.index_bytes for one in shares)
    ours_written = sum(one.used.bytes_written for one in steps)
    written = film.ladder.size_bytes + sum(one.bytes_written for one in film.analysed)
    tasks = 1 + len(film.analysed)
    return [
        exact("read_mb", "our way, read", "MB", sum(one.used.bytes_read for one in steps) / MEGA),
        exact("written_mb", "our way, written", "MB", ours_written / MEGA),
        exact("all_read_mb", "everything again, read", "MB", tasks * film.source_bytes / MEGA),
        exact("all_written_mb", "everything again, written", "MB", written / MEGA),
        at_most(
            exact(
                "chunk_read_vs_share",
                "a chunk's worker: read ÷ its share, all chunks",
                "×",
                whole / own,
            ),
            BYTES_MAX,
        ),
        exact("chunk_read_vs_share_worst", "… the worst chunk", "×", worst),
        exact("chunk_share_mb", "… the shares", "MB", own / MEGA),
        exact(
            "chunk_preroll_mb",
            "… from the key frame before each",
            "MB",
            sum(one.preroll_bytes for one in shares) / MEGA,
        ),
        exact(
            "chunk_index_mb",
            "… the index, for each",
            "MB",
            sum(one.index_bytes for one in shares) / MEGA,
        ),
        exact("chunk_more_mb", "… read beyond that", "MB", (whole - needed) / MEGA),
        at_most(
            exact(
                "chunk_read_vs_needed",
                "a chunk's worker: read ÷ what must be, all chunks",
                "×",
                whole / needed,
            ),
            BYTES_MAX,
        ),
    ]


def _quality(film: Compared) -> list[Figure]:
    beside = film.beside
    kept = PERCENT * film.parts_kept / film.parts
    off = abs(beside.vmaf_ours - beside.vmaf)
    size = PERCENT * abs(beside.size_ours_bytes - beside.size_bytes) / beside.size_bytes
    return [
        at_least(
            exact("analysis_kept_percent", f"analysis kept, of {film.parts} parts", "%", kept),
            PERCENT,
        ),
        exact("crf", "CRF that the search chose", "", film.plan.crf or 0),
        exact("vmaf", "VMAF, our way", "", beside.vmaf_ours),
        exact("one_pass_vmaf", "VMAF, one pass", "", beside.vmaf),
        at_most(exact("vmaf_off", "VMAF, difference", "", off), VMAF_MAX),
        exact("size_mb", "picture, our way", "MB", beside.size_ours_bytes / MEGA),
        exact("one_pass_size_mb", "picture, one pass", "MB", beside.size_bytes / MEGA),
        at_most(exact("size_off_percent", "picture, difference", "%", size), SIZE_PERCENT_MAX),
    ]
