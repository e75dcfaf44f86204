"""Embeddings of a film's frames, one a second: `python embeddings.py FFMPEG FILM OUTPUT`, as NPY.

A network of the size of CLIP's ViT-B/32 with random weights, written in numpy: 12 layers of 768
with 12 heads on 7 × 7 patches of 32 pixels. What it says means nothing; what it costs is what the
trained one costs.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

# Installed in the analysers' own environment, not in the one that checks types.
import numpy as np  # type: ignore[import-not-found]

SIDE_PX = 224
PATCH_PX = 32
WIDTH = 768
HEADS = 12
LAYERS = 12
HIDDEN = 3_072
PROJECTED = 512
COLOURS = 3
BATCH = 8
SEED = 1
SMALL = 1e-5


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one transformer layer; biases would not show in the time."""

    mixed: Any
    out: Any
    up: Any
    down: Any


def weights(luck: Any, *shape: int) -> Any:
    """Random ones, scaled so that nothing overflows on the way."""
    return luck.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[0]))


def normed(value: Any) -> Any:
    """Layer normalization."""
    mean = value.mean(-1, keepdims=True)
    return (value - mean) / np.sqrt(value.var(-1, keepdims=True) + SMALL)


def attend(value: Any, layer: Layer) -> Any:
    """Self-attention of all heads."""
    count, tokens, _ = value.shape
    mixed = (value @ layer.mixed).reshape(count, tokens, 3, HEADS, WIDTH // HEADS)
    query, key, content = (mixed[:, :, part].transpose(0, 2, 1, 3) for part in range(3))
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(WIDTH // HEADS))
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    joined = (scores @ content).transpose(0, 2, 1, 3).reshape(count, tokens, WIDTH)
    return joined @ layer.out


def embed(frames: Any, patches: Any, layers: list[Layer], projection: Any) -> Any:
    """A vector for each frame of a batch."""
    count, each = len(frames), SIDE_PX // PATCH_PX
    cut = frames.reshape(count, each, PATCH_PX, each, PATCH_PX, COLOURS).transpose(0, 1, 3, 2, 4, 5)
    tokens = cut.reshape(count, each * each, -1) @ patches
    value = np.concatenate([np.zeros((count, 1, WIDTH), np.float32), tokens], axis=1)
    for layer in layers:
        value = value + attend(normed(value), layer)
        hidden = normed(value) @ layer.up
        value = value + (hidden / (1 + np.exp(-1.702 * hidden))) @ layer.down  # CLIP's QuickGELU
    return normed(value[:, 0]) @ projection


def frames_of(ffmpeg: str, film: str) -> Any:
    """One frame a second, small and square, from 0 to 1."""
    small = f"fps=1,scale={SIDE_PX}:{SIDE_PX},format=rgb24"
    command = [ffmpeg, "-v", "error", "-nostdin", "-i", film, "-vf", small, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIDE_PX, SIDE_PX, COLOURS)
    return frames.astype(np.float32) / 255


if __name__ == "__main__":
    dice = np.random.default_rng(SEED)
    stack = [
        Layer(
            weights(dice, WIDTH, 3 * WIDTH),
            weights(dice, WIDTH, WIDTH),
            weights(dice, WIDTH, HIDDEN),
            weights(dice, HIDDEN, WIDTH),
        )
        for _ in range(LAYERS)
    ]
    first, last = weights(dice, COLOURS * PATCH_PX**2, WIDTH), weights(dice, WIDTH, PROJECTED)
    shown = frames_of(sys.argv[1], sys.argv[2])
    found = [
        embed(shown[start : start + BATCH], first, stack, last)
        for start in range(0, len(shown), BATCH)
    ]
    np.save(sys.argv[3], np.concatenate(found))
