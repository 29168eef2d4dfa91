"""`mime`: the embedded data set. Articulated figures that act, drawn when they are needed: nothing to download.

People in varied clothes, scenes, lights and distances do twelve things before an unsteady camera. Six actions move
the whole body; the others are a hand or a foot for a moment, small in the picture.
"""

from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.mime.actions import ACTIONS
from farview.data.mime.clip import MimeClip, MimePart
from farview.errors import FarviewError

__all__ = ["ACTIONS", "CLIPS", "MimeClip", "mime"]

CLIPS: dict[MimePart, int] = {"train": 480, "val": 120, "test": 300}
"""Clips of each part, multiples of the number of classes: every person does every action once."""


def mime(root: str, config: DataConfig | None = None) -> DataSet:
    """The embedded data set.

    Args:
        root: Empty for seed 0, or the seed as text: another seed has other people, scenes and performances.
        config: Not used; there for the likeness with the data sets that lie in folders.

    Returns:
        Its `train`, `val` and `test` parts; `group` is the person.

    Raises:
        FarviewError: The seed is no number from 0 on.
    """
    if root and not (root.isascii() and root.isdigit()):
        raise FarviewError(
            f"mime:{root}: expected a seed, a whole number from 0 on; write mime or, say, mime:3"
        )
    seed = int(root or 0)
    sources = [MimeClip(seed, part, index) for part, count in CLIPS.items() for index in range(count)]
    clips = tuple(
        Clip(
            id=f"{source.part}/{source.index:04d}",
            source=source,
            label=source.label,
            part=source.part,
            group=source.group,
        )
        for source in sources
    )
    return DataSet(name=f"mime:{root}" if root else "mime", classes=tuple(ACTIONS), clips=clips)
