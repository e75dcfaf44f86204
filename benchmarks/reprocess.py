"""An upgrade by our way against doing everything again, on the same films in the same run.

    film ─┬─▶ our way: plan ─▶ search ─▶ chunks ─▶ assemble          ┐ CPU, bytes, dollars,
          ├─▶ everything again: the whole ladder in one process,     ├ seconds here and, reckoned,
          │   speech to text, scenes, embeddings                     │ on Lambda
          └─▶ one pass of the same rung: its size and its VMAF       ┘
    clips ──▶ our way: what each was thought to cost ÷ what it did

The analysers are real; the weights of the one that needs a network are random, which changes what
it says and not what it costs (`benchmarks/analysers/embeddings.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import reprocess_analysis, reprocess_prices
from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report
from benchmarks.reprocess_clips import Clip, clips, make_clip, make_film, make_large_film
from benchmarks.reprocess_errors import Thought, error_figures
from benchmarks.reprocess_figures import film_figures
from benchmarks.reprocess_films import Source, compare
from benchmarks.reprocess_path import Studio, open_studio
from pixr.local import parts

REMARKS = (
    "Seconds on Lambda are reckoned, never measured there: benchmarks/reprocess_schedule.py.",
    "A vCPU there is thought to be as fast as a core here; Graviton's speed is not known.",
    "Everything again makes the whole ladder; our way makes the one rung that was paid for.",
    "The film is 30 s of 1080p over and over, as it came, key frames up to ten seconds apart.",
    "The large film is enlarged from it, with grain; key frames two seconds apart, as cameras do.",
    "The price table was made from the clips with even numbers (from 0); the odd are held out.",
)


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Compare the films, then send the clips through our way."""
    ffmpeg = parts.ffmpeg()
    films: list[Source] = []
    if sizes.film_s:
        tell("making the film")
        path = make_film(ffmpeg, sizes.film_s)
        films.append(Source(key="hd", path=path, rung=1080, seconds=sizes.film_s))
    if sizes.large_film_s:
        tell("making the large film")
        path = make_large_film(ffmpeg, sizes.large_film_s)
        films.append(Source(key="uhd", path=path, rung=2160, seconds=sizes.large_film_s))
    figures: list[Figure] = []
    with open_studio() as studio:
        if films:
            python = reprocess_analysis.environment(tell)
        for film in films:
            figures += film_figures(compare(studio, python, film, tell))
        chosen = clips()[: sizes.clips]
        thoughts: list[Thought] = []
        for number, clip in enumerate(chosen):
            tell(f"clip {number + 1} of {len(chosen)}: {clip.name}")
            thoughts.append(_thought(studio, ffmpeg, clip, number))
    if thoughts:
        figures += error_figures(thoughts)
    return Report(
        bench="reprocess",
        conditions={
            "repeats": 1,
            "film": f"{sizes.film_s} s of 1080p, upgraded to 1080p",
            "large_film": f"{sizes.large_film_s} s of 2160p, upgraded to 2160p",
            "clips": len(chosen),
            "prices_as_of": reprocess_prices.AS_OF,
        },
        figures=figures,
        remarks=(*REMARKS, *(thought.sentence for thought in thoughts)),
    )


def _thought(studio: Studio, ffmpeg: str, clip: Clip, number: int) -> Thought:
    """Send a clip through our way: its free rendition, then the rung that somebody paid for."""
    content_id = f"clip-{number}"
    studio.finish(*studio.take_in(make_clip(ffmpeg, clip), content_id))
    made = studio.finish(*studio.fund(content_id, clip.rung))
    return Thought.of(clip.name, made.job, is_held_out=number % 2 == 1)
