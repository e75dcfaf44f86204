"""How long a job would take on Lambda, and what AWS would bill, from what its steps took here.

    message ─▶ plan ─▶ message ─▶ search ─▶ messages ─▶ chunk × workers ─▶ message ─▶ assemble
               1 vCPU             4 vCPU                 4 vCPU each                  4 vCPU

Nothing is measured here: processor seconds and bytes come from a run, everything else from the
constants below, each with where it comes from. What a worker reads it is thought to read before it
works, which is slower than what happens.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PLANNER_VCPUS: Final = 1
ENCODER_VCPUS: Final = 4
ASSEMBLER_VCPUS: Final = 4
"""As infra/constructs/reprocessor.py gives each its memory: 1,769 MiB a vCPU."""

LARGEST_VCPUS: Final = 6
"""10,240 MB, the most that a Lambda can have. What one process gets that does everything."""

ENCODERS_MAX: Final = 100
"""As infra/constructs/reprocessor.py."""

POLLERS_FIRST: Final = 5
POLLERS_MORE_PER_S: Final = 300 / 60
"""AWS's documentation of scaling SQS event source mappings, read November 2026: five batches at
once, then up to 300 more a minute."""

SERIAL_SHARE: Final = 0.05
"""Of FFmpeg's work, what only one core can do (Amdahl). Assumed: it leaves four cores busy to 87 %.
On two cores, quiet, x264 'fast' at 1080p kept both busy to 95 % and more."""

COLD_START_S: Final = 2.0
"""Assumed for every first call of a worker: 67 MB of layer and 8 MB of code to fetch (public
measurements of such sizes: 1 to 2 s), our imports (0.2 s of CPU, `pixr bench cold`), boto3's
client."""

MESSAGE_S: Final = 0.2
"""Assumed from a send to the call: queue, poller and invocation take tens of milliseconds each."""

REQUEST_S: Final = 0.03
"""Assumed until S3's first byte inside a region; its guide says 100 to 200 ms for whole small
objects. Windows are read ahead of FFmpeg's work, and counted here as if it waited for each."""

NETWORK_BYTES_PER_S: Final = 70e6
"""Of one worker: about 600 Mbit a second, as often measured from Lambda to S3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call of a function."""

    cpu_s: float
    bytes_moved: int = 0
    requests: int = 0
    is_single_threaded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One job of ours."""

    plan: Task
    search: Task
    chunks: Sequence[Task]
    assemble: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How it would go."""

    wall_s: float
    billed_vcpu_s: float
    """Seconds of each worker × its vCPUs: it is paid while it waits, too."""
    stages: Mapping[str, float]
    """Stage → seconds until the next could begin."""
    workers: int
    """Encoders at once, at most."""


def speedup(vcpus: int) -> float:
    """How many times faster FFmpeg is on so many cores than on one."""
    return 1 / (SERIAL_SHARE + (1 - SERIAL_SHARE) / vcpus)


def run_s(task: Task, vcpus: int) -> float:
    """Seconds that a warm worker has the task in hand."""
    faster = 1.0 if task.is_single_threaded else speedup(vcpus)
    waits_s = task.bytes_moved / NETWORK_BYTES_PER_S + task.requests * REQUEST_S
    return task.cpu_s / faster + waits_s


def fan_out(work: Work, *, workers_max: int = ENCODERS_MAX) -> Schedule:
    """Our way: a planner, one search, as many encoders as there are chunks, an assembler."""
    plan_s = COLD_START_S + run_s(work.plan, PLANNER_VCPUS)
    search_s = COLD_START_S + run_s(work.search, ENCODER_VCPUS)
    chunks_s = [run_s(chunk, ENCODER_VCPUS) for chunk in work.chunks]
    ends_s, colds = _spread(chunks_s, workers_max)
    assemble_s = COLD_START_S + run_s(work.assemble, ASSEMBLER_VCPUS)
    stages = {
        "plan": MESSAGE_S + plan_s,
        "search": MESSAGE_S + search_s,
        "chunks": MESSAGE_S + ends_s,
        "assemble": MESSAGE_S + assemble_s,
    }
    encoders_s = search_s + sum(chunks_s) + colds * COLD_START_S
    return Schedule(
        wall_s=sum(stages.values()),
        billed_vcpu_s=plan_s * PLANNER_VCPUS
        + encoders_s * ENCODER_VCPUS
        + assemble_s * ASSEMBLER_VCPUS,
        stages=stages,
        workers=colds + 1,
    )


def in_turn(tasks: Mapping[str, Task], *, vcpus: int = LARGEST_VCPUS) -> Schedule:
    """Everything by one worker, one task after the other."""
    stages = {name: run_s(task, vcpus) for name, task in tasks.items()}
    wall_s = COLD_START_S + sum(stages.values())
    return Schedule(
        wall_s=MESSAGE_S + wall_s, billed_vcpu_s=wall_s * vcpus, stages=stages, workers=1
    )


def side_by_side(tasks: Mapping[str, Task], *, vcpus: int = LARGEST_VCPUS) -> Schedule:
    """Each task by a worker of its own, all at once; one that uses one core gets one."""
    sizes = {name: 1 if task.is_single_threaded else vcpus for name, task in tasks.items()}
    stages = {name: COLD_START_S + run_s(task, sizes[name]) for name, task in tasks.items()}
    return Schedule(
        wall_s=MESSAGE_S + max(stages.values()),
        billed_vcpu_s=sum(stages[name] * sizes[name] for name in tasks),
        stages=stages,
        workers=len(tasks),
    )


def _spread(durations_s: Sequence[float], workers_max: int) -> tuple[float, int]:
    """Give each message to the encoder that is free first, or to a new one once there may be one.

    Returns:
        When the last is done, and how many encoders had to be started; one, which has searched, is
        there already.
    """
    free_s = [0.0]
    started, last_s = 0, 0.0
    for duration_s in durations_s:
        begins_s = _poller_at_s(started + 1)
        if started + 1 < workers_max and begins_s + COLD_START_S < free_s[0]:
            started += 1
            heapq.heappush(free_s, begins_s + COLD_START_S + duration_s)
            last_s = max(last_s, begins_s + COLD_START_S + duration_s)
        else:
            ends_s = heapq.heappop(free_s) + duration_s
            heapq.heappush(free_s, ends_s)
            last_s = max(last_s, ends_s)
    return last_s, started


def _poller_at_s(number: int) -> float:
    """When worker ``number``, counted from 0, may begin."""
    return max(0.0, (number + 1 - POLLERS_FIRST) / POLLERS_MORE_PER_S)
