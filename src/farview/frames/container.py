"""Media files and streams opened for reading, whichever PyAV is installed."""

from typing import Any

import av
from av.container import InputContainer

# Tags need not be UTF-8: before 19, PyAV had to be told so; since then it keeps their bytes as surrogates.
_TAGS: dict[str, Any] = (
    {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}
)


def open_input(
    address: str, protocols: str = "file", timeout: float | None = None, **options: str
) -> InputContainer:
    """The container at a path or an address, fetching by `protocols` alone, whatever a playlist names.

    `timeout`: seconds to wait for an answer; `options`: FFmpeg's. Raises av.FFmpegError and OSError. A name with a
    colon is an address to FFmpeg: make paths absolute.
    """
    return av.open(
        address, mode="r", options={"protocol_whitelist": protocols, **options}, timeout=timeout, **_TAGS
    )


def tag(container: InputContainer, name: str) -> str | None:
    """A tag's text, what is not UTF-8 in it replaced; None where there is none."""
    text = container.metadata.get(name)
    return None if text is None else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
