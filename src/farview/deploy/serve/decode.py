"""What runs in a decoding process: an uploaded clip, which may be hostile, to the eLR frames of its intervals."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np

from farview.deploy.private import no_dumps
from farview.deploy.serve.limits import Limits
from farview.errors import FarviewError, UnreadableClip
from farview.frames.container import open_input
from farview.frames.recording import ElrRecording, is_recording, refuse_other_size
from farview.frames.source import Images
from farview.frames.video import VideoFile
from farview.frames.workers import follow_parent
from farview.models.contract import Contract
from farview.models.sight import see

FRAMES, REFUSED = b"\0", b"\1"
"""First byte of a reply: eLR frames as they lie in memory, or one line of text."""


def work(connection: Connection, contract: str, limits: Limits, folder: str | None) -> None:
    """Decode one clip after the other until the connection is closed. Only bytes pass: nothing is unpickled.

    `folder` is as `named` takes it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    follow_parent()
    no_dumps()
    confine(limits)
    model = Contract.from_json(contract)
    connection.send_bytes(b"ready")
    while True:
        try:
            clip = connection.recv_bytes()
        except EOFError:
            return
        try:
            with named(clip, folder) as path:
                reply = FRAMES + elr_frames(path, model, limits).tobytes()
        except FarviewError as error:
            reply = REFUSED + " ".join(str(error).replace(str(path), "the clip").split()).encode()
        connection.send_bytes(reply)


def confine(limits: Limits) -> None:
    """No more memory than `limits.memory_mb` beside what this process has now, and no large files."""
    if sys.platform != "linux":
        return  # macOS has the limits and does not keep them
    import resource

    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    most = now + limits.memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.upload, limits.upload))


@contextmanager
def named(clip: bytes, folder: str | None) -> Iterator[Path]:
    """The clip under a name of ours: in memory alone (Linux), or in a `folder` that the server empties in the end."""
    if folder is None:
        descriptor = os.memfd_create("clip", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(clip)
            file.flush()
            yield Path(f"/proc/self/fd/{descriptor}")
    else:
        path = Path(folder, "clip")
        try:
            path.write_bytes(clip)
            yield path
        finally:
            path.unlink(missing_ok=True)


def elr_frames(path: Path, contract: Contract, limits: Limits) -> Images:
    """The frames that the model looks at, as its sensor sees them: (K, T, h, w, C).

    Raises `UnreadableClip` where they cannot be had, and `FarviewError` where the clip is larger than `limits`.
    """
    assert contract.sensor is not None
    check_header(path, limits)
    source = ElrRecording(path) if is_recording(path) else VideoFile(path)
    with source.open() as opened:
        refuse_other_size(opened, (contract.sensor.height, contract.sensor.width))
        length = len(opened)
        if length > limits.frames or length > limits.duration * (opened.fps or 25):
            raise FarviewError(
                f"the clip has {length} frames; expected at most {limits.frames} and {limits.duration:g} s"
            )
        indices = contract.intervals.indices(length)  # (K, T)
        numbers, place = np.unique(indices, return_inverse=True)
        # One at a time: as many HR frames at once could be gigabytes.
        seen = np.concatenate([see(opened.read([number]), number[None], contract) for number in numbers])
    return seen[place.reshape(indices.shape)]


def check_header(path: Path, limits: Limits) -> None:
    """Refuse what is too large by its own account, before a frame is decoded.

    Raises `UnreadableClip` where there is no video.
    """
    try:
        with open_input(str(path)) as container:
            streams = [stream for stream in container.streams.video if stream.codec_context]
            pixels = max((stream.width * stream.height for stream in streams), default=0)
            seconds = (container.duration or 0) / av.time_base
    except (av.FFmpegError, MemoryError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it needs too much memory"
        raise UnreadableClip(f"the clip cannot be opened as a video ({reason}); is it a whole one?") from None
    if pixels > limits.pixels:
        raise FarviewError(f"the clip has {pixels} pixels a frame; expected at most {limits.pixels}")
    if seconds > limits.duration:
        raise FarviewError(f"the clip takes {seconds:.0f} s; expected at most {limits.duration:g}")
