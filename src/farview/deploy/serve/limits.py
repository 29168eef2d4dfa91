"""How much a client may ask for; and how it is told that it asked for too much."""

import math
from dataclasses import dataclass, fields

from farview.errors import FarviewError


class Refused(FarviewError):
    """A request that is not served: an HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """Options `--limit.*`. Validated; raises FarviewError."""

    upload_mb: float = 64
    """Largest clip, in MB."""
    duration: float = 120
    """Longest clip, in seconds."""
    pixels: int = 4096 * 2304
    """Of a clip's frame."""
    frames: int = 10_000
    """Of a clip, and of eLR frames in one request."""
    seconds: float = 20
    """For a request to arrive, its head and its body, for a clip to be decoded, for a live client to be silent."""
    memory_mb: int = 1024
    """For decoding one clip, in MB beside what the program takes; kept on Linux only."""
    decoders: int = 1
    """Clips decoded at the same time, each in its own process."""
    uploads: int = 4
    """Of the largest size, held in memory at the same time; more are sent away (503)."""
    requests: float = 50
    """A second from one address, on average over ten seconds."""
    live: int = 32
    """Live connections at the same time."""
    live_rate: float | None = None
    """Frames a second of a live connection; by default 60, or 1.2 times --rate where that is more."""
    waiting: int = 256
    """Windows that wait for the network; others are sent away (503)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if not isinstance(value, int | float) or not 0 < value < math.inf:
                raise FarviewError(f"limit.{field.name} is {value!r}; it must be above 0 and finite")

    @property
    def upload(self) -> int:
        """Largest clip, in bytes."""
        return int(self.upload_mb * 1e6)
