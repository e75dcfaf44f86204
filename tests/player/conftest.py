"""The pipeline's fixtures, for a film that is really published."""

from tests.functions.reprocess.conftest import cloud, studio

__all__ = ["cloud", "studio"]
