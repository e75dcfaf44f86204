"""MediaConvert on one machine: its REST, its rules, its events; FFmpeg does the work."""

from pixr.local.mediaconvert.server import running_mediaconvert

__all__ = ["running_mediaconvert"]
