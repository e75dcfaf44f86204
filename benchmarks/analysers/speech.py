"""Speech to text of a film with pocketsphinx: `python speech.py FFMPEG FILM OUTPUT`, as WebVTT.

All of the sound is decoded, also where nobody speaks: that costs what speech costs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Installed in the analysers' own environment, not in the one that checks types.
from pocketsphinx import Decoder  # type: ignore[import-not-found]

RATE = 16_000
UTTERANCE_S = 10
SAMPLE_BYTES = 2


def clock(seconds: float) -> str:
    """Seconds as WebVTT writes them."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}:{rest:06.3f}"


def transcribe(ffmpeg: str, film: str) -> str:
    """The transcript, a cue for each ten seconds in which words were found."""
    sound = ["-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    command = [ffmpeg, "-v", "error", "-nostdin", "-i", film, *sound]
    pcm = subprocess.run(command, check=True, capture_output=True).stdout
    decoder = Decoder(samprate=RATE, loglevel="FATAL")
    step_bytes = UTTERANCE_S * RATE * SAMPLE_BYTES
    cues = ["WEBVTT\n"]
    for number, start in enumerate(range(0, len(pcm), step_bytes)):
        decoder.start_utt()
        decoder.process_raw(pcm[start : start + step_bytes], full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        if heard is not None and heard.hypstr:
            begin, end = clock(number * UTTERANCE_S), clock((number + 1) * UTTERANCE_S)
            cues.append(f"{begin} --> {end}\n{heard.hypstr}\n")
    return "\n".join(cues)


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(transcribe(sys.argv[1], sys.argv[2]))
