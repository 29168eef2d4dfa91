"""What the rivals' networks see: the same moments of a clip as frames and as optical flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from farview.data.augment import as_video, warp, warp_flow
from farview.data.batches import Batch, ClipFrames, Key
from farview.data.clip import Clip
from farview.data.config import AugmentConfig
from farview.frames.flow import STEPS, STILL, FlowConfig, flow
from farview.frames.intervals import Intervals
from farview.frames.sensor import SensorModel
from farview.frames.source import Images

Stream = Literal["rgb", "flow"]
"""rgb: the frames that the recipe's store has, whatever their channels; flow: their optical flow."""
FLOW_CHANNELS = 2


@dataclass
class Streams:
    """B clips, each stream as a batch of its own, in one geometry."""

    parts: dict[Stream, Batch]

    @property
    def clips(self) -> list[str]:
        """Ids, in order."""
        return self._any.clips

    @property
    def labels(self) -> Tensor:
        """(B,) int64."""
        return self._any.labels

    @property
    def _any(self) -> Batch:
        return next(iter(self.parts.values()))

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Streams":
        """The same clips on `device`."""
        return Streams({stream: part.to(device, non_blocking) for stream, part in self.parts.items()})

    def pin_memory(self) -> "Streams":
        """The same clips in page-locked memory; PyTorch's loader calls this."""
        return Streams({stream: part.pin_memory() for stream, part in self.parts.items()})

    def see(self, stream: Stream, size: tuple[int, int], hr: bool = False) -> Tensor:
        """Frames of K intervals, (B, K, C, T, *size): grey levels from -1 to 1, or flow from -1 to 1 with 0 at rest.

        Resized by bicubic interpolation, averaged where that shrinks, then in the sample's geometry: what mirrors or
        enlarges the picture does so to its motion. Frames of two channels are flow. ValueError without HR frames.
        """
        part = self.parts[stream]
        frames = part.hr if hr else part.elr
        if frames is None:
            raise ValueError("this batch holds no HR frames")
        moving = frames.shape[-1] == FLOW_CHANNELS
        video = resized(as_video(frames), size).clamp(0, 255)  # (B, K, C, T, H, W)
        if part.geometry is not None:
            video = (warp_flow if moving else warp)(video, part.geometry)  # at rest, or black, outside
        if moving:
            return ((video - STILL) / STEPS).clamp(-1, 1)
        if part.gain is not None:
            video = (video * part.gain.view(-1, 1, 1, 1, 1, 1)).clamp(0, 255)
        return 2 * video / 255 - 1


def resized(video: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, K, C, T, h, w) to (B, K, C, T, *size)."""
    if tuple(video.shape[-2:]) == size:
        return video
    flat = F.interpolate(video.flatten(0, 2), size=size, mode="bicubic", antialias=True)
    return flat.unflatten(0, video.shape[:3])


class StreamFrames(Dataset):
    """Samples of every stream, taken by (epoch, index)."""

    def __init__(self, parts: Mapping[Stream, ClipFrames]) -> None:
        """`parts` differ in their store alone, so that all streams show the same moments and the same window."""
        self.parts = dict(parts)

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def __getitems__(self, keys: Sequence[Key]) -> Streams:
        """The batch of all `keys`; PyTorch's loader calls this once a batch."""
        return Streams({stream: part.__getitems__(keys) for stream, part in self.parts.items()})


def stream_frames(
    clips: Sequence[Clip],
    stores: Mapping[Stream, Any],
    intervals: Intervals,
    *,
    hr: bool = False,
    augment: AugmentConfig | None = None,
    seed: int = 0,
    sensor: SensorModel | None = None,
) -> StreamFrames:
    """eLR samples, and with `hr` HR ones, of each stream's store.

    `augment` None means validation or testing. The noise that `augment.fresh_noise` draws anew is that of frames;
    flow stays that of the stored frames.
    """
    return StreamFrames(
        {
            stream: ClipFrames(
                clips,
                store,
                intervals,
                hr=hr,
                elr=True,
                augment=augment,
                seed=seed,
                sensor=None if stream == "flow" else sensor,
            )
            for stream, store in stores.items()
        }
    )


def seen_of(frames: Images, streams: Sequence[Stream], intervals: Intervals, motion: FlowConfig) -> Streams:
    """One whole eLR video (T, h, w, C) as testing sees it: its centred intervals; flow of what these hold alone."""
    indices = intervals.indices(len(frames))  # (K, T)
    numbers, place = np.unique(indices, return_inverse=True)
    parts: dict[Stream, Batch] = {}
    for stream in streams:
        seen = flow_at(frames, numbers.tolist(), motion) if stream == "flow" else frames[numbers]
        elr = torch.from_numpy(seen[place.reshape(indices.shape)])[None]
        parts[stream] = Batch(["video"], torch.tensor([-1]), None, elr, None, None)
    return Streams(parts)


def flow_at(frames: Images, numbers: Sequence[int], motion: FlowConfig) -> Images:
    """Flow of the frames of these numbers, each since the frame before, as the store has it: (N, h, w, 2)."""
    return np.stack([flow(frames[n - 1] if n else None, frames[n], motion) for n in numbers])


def joined(several: Sequence[Streams]) -> Streams:
    """Batches of the same kind one after the other."""
    return Streams({stream: _joined([each.parts[stream] for each in several]) for stream in several[0].parts})


def _joined(several: Sequence[Batch]) -> Batch:
    def cat(name: str) -> Any:
        values = [getattr(each, name) for each in several]
        return None if values[0] is None else torch.cat(values)

    clips = [clip for each in several for clip in each.clips]
    return Batch(clips, *(cat(name) for name in ("labels", "hr", "elr", "geometry", "gain")))
