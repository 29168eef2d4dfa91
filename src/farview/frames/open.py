"""A path to a source of frames."""

from pathlib import Path

from farview.errors import UnreadableClip
from farview.frames.arrays import ArrayFrames
from farview.frames.depth import DepthFile
from farview.frames.images import ImageFolder, image_files
from farview.frames.recording import ElrRecording, is_recording
from farview.frames.source import Source
from farview.frames.video import VideoFile


def source_of(path: Path | str) -> Source:
    """What `path` is read as: a folder of images, one clip of `.npy`, `.npz` or `.mat`, an eLR recording, else video.

    Opens no file, except that the first bytes of an `.mkv` tell whether it is an eLR recording. Raises
    `UnreadableClip` where there is nothing, or a folder without images.
    """
    path = Path(path)
    if path.is_dir():
        if not image_files(path):
            raise UnreadableClip(
                f"{path}: a folder without images; name a video, or a folder whose images are the frames"
            )
        return ImageFolder(path)
    if not path.exists():
        raise UnreadableClip(f"{path}: no such file or folder")
    match path.suffix.lower():
        case ".npy" | ".npz":
            return ArrayFrames(path)
        case ".mat":
            return DepthFile(path)
        case ".mkv" if is_recording(path):
            return ElrRecording(path)
        case _:
            return VideoFile(path)
