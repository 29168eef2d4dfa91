"""From `kind:folder` to clips with labels, parts and groups."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from farview.data.array import array
from farview.data.clip import Clip, DataSet
from farview.data.config import DataConfig
from farview.data.folder import folder
from farview.data.hmdb51 import hmdb51
from farview.data.ixmas import ixmas
from farview.data.kinetics import kinetics
from farview.data.layout import nearest
from farview.data.msr_action3d import msr_action3d
from farview.data.overlap import apart
from farview.data.recast import groups_as_classes
from farview.data.ucf101 import ucf101
from farview.errors import FarviewError

KINDS: dict[str, Callable[[Path, DataConfig], DataSet]] = {
    "ucf101": ucf101,
    "hmdb51": hmdb51,
    "ixmas": ixmas,
    "kinetics": kinetics,
    "msr-action3d": msr_action3d,
    "folder": folder,
    "array": array,
}
"""Data sets that lie in a folder; `mime`, which needs none, comes beside them."""


def open_data(config: DataConfig) -> DataSet:
    """Index the data set `config.source`; no frame is decoded.

    Raises `FarviewError` for an unknown kind (with the nearest one), a folder that is not there, whatever the kind
    finds wrong, a clip in two parts, and classes to keep (`config.classes`) that there are not.
    """
    if config.kind == "mime":
        from farview.data.mime import mime

        data = mime(config.location, config)
    elif config.kind in KINDS:
        data = KINDS[config.kind](data_folder(config), config)
    else:
        kinds = [*KINDS, "mime"]
        raise FarviewError(
            f"{config.source}: unknown kind of data set '{config.kind}'{nearest(config.kind, kinds)}; "
            f"expected kind:folder with one of {', '.join(kinds)}"
        )
    check(data)
    if config.classes is not None:
        data = only(data, config.classes)
    if config.recognise == "group":
        data = groups_as_classes(data, config.test_share, config.split)
    if config.per_class is not None:
        note = f"at most {config.per_class} clips of each class train, once validation clips are held out"
        data = replace(data, per_class=config.per_class, notes=(*data.notes, note))
    return data


def open_pool(config: DataConfig) -> tuple[Clip, ...]:
    """The training clips of `config.pool` with their labels taken off; () where there is none.

    What shares frames with a validation or test clip of `config.source`, under whatever name, is left out (clips that
    are held out of its training part later are not). The settings that divide `config.source` (split, lists) reach a
    pool of the same kind; those that choose from it (classes, per_class, recognise) reach none. Raises as `open_data`,
    and where no clip is left.
    """
    if config.pool is None:
        return ()
    same = config.pool.partition(":")[0] == config.kind
    fresh = DataConfig(
        config.pool, available_only=config.available_only, box=config.box, distance=config.distance
    )
    alike = replace(config, source=config.pool, pool=None, classes=None, per_class=None, recognise="action")
    data, pool = open_data(config), open_data(alike if same else fresh)
    left = apart(pool.part("train"), data.part("val") + data.part("test"))
    if not left:
        raise FarviewError(
            f"data.pool: {config.pool} has no training clips but those that validate or test {config.source}; "
            "name other videos"
        )
    return tuple(replace(clip, id=f"pool/{clip.id}", label=None) for clip in left)


def data_folder(config: DataConfig) -> Path:
    """The folder (folder, array: or file) that `config.source` names. Raises where it is not there."""
    if not config.location:
        raise FarviewError(f"{config.source}: which folder? expected {config.kind}:/path/to/its/folder")
    path = Path(config.location).expanduser()
    if not path.exists():
        raise FarviewError(f"{path}: no such folder (data set {config.source})")
    if not path.is_dir() and config.kind not in ("folder", "array"):
        raise FarviewError(f"{path}: is a file; {config.kind} needs the folder that holds its videos")
    return path


def check(data: DataSet) -> None:
    """Raise where a clip stands twice, in one part or in two, or has a label outside the classes."""
    by_id: dict[str, Clip] = {}
    by_name: dict[str, Clip] = {}
    for clip in data.clips:
        for seen, key in ((by_id, clip.id), (by_name, clip.source.name)):
            other = seen.setdefault(key, clip)
            if other is not clip:
                parts = (
                    f"in both {other.part} and {clip.part}" if other.part != clip.part else f"in {clip.part}"
                )
                raise FarviewError(f"{data.name}: clip {key} is there twice, {parts}")
        if clip.label is not None and not 0 <= clip.label < len(data.classes):
            raise FarviewError(
                f"{data.name}: clip {clip.id} has label {clip.label} of {len(data.classes)} classes"
            )


def only(data: DataSet, classes: tuple[str, ...]) -> DataSet:
    """The clips of `classes` alone, numbered in the order given; other clips are left out.

    Raises `FarviewError` for a class that is not in `data` or named twice, and for fewer than two.
    """
    for name in classes:
        if name not in data.classes:
            raise FarviewError(
                f"{data.name}: no class '{name}'{nearest(name, data.classes)}; classes: {', '.join(data.classes)}"
            )
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise FarviewError(f"data.classes: {', '.join(classes)}; expected two or more different classes")
    label = {data.classes.index(name): new for new, name in enumerate(classes)}
    clips = tuple(replace(clip, label=label[clip.label]) for clip in data.clips if clip.label in label)
    return replace(data, classes=classes, clips=clips)
