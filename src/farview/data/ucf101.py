"""UCF101 (Soomro, Zamir, Shah, CRCV-TR-12-01): `<Class>/v_<Class>_gNN_cNN.avi` and the official split lists."""

import re
from collections.abc import Iterator
from pathlib import Path

from farview.data.clip import DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import ClassFolders, Row, find_lists, listed_clips, official_split, read_lines
from farview.errors import FarviewError

PLACES = ("ucfTrainTestlist", "splits", "splits/ucf101")


def ucf101(root: Path, config: DataConfig) -> DataSet:
    """Split `config.split` (1, 2, 3) as `trainlist0N.txt` and `testlist0N.txt` give it.

    The class is the folder's (`HandstandPushups` holds `v_HandStandPushups_...`). Group: class and gNN, the source
    video. Raises `FarviewError` for missing lists, unknown classes, labels that contradict `classInd.txt`,
    clips in both lists and missing clips.
    """
    split = official_split(config)
    lists = find_lists(config, root, f"trainlist0{split}.txt", PLACES)
    train, test = lists / f"trainlist0{split}.txt", lists / f"testlist0{split}.txt"
    if not test.is_file():
        raise FarviewError(f"{test}: no such list; it belongs beside {train.name}")
    classes = read_classes(lists / "classInd.txt", train)
    rows = [*read_list(train, "train", classes), *read_list(test, "test", classes)]
    videos = root / "UCF-101" if (root / "UCF-101").is_dir() else root
    clips, missing = listed_clips(rows, ClassFolders(videos).find, root, config)
    return DataSet(config.source, classes, clips, missing, people=False)


def read_classes(path: Path, train: Path) -> tuple[str, ...]:
    """Classes of `classInd.txt` (lines `1 ApplyEyeMakeup`), or where it is absent the folders in the train list.

    The official order is alphabetical without regard to case; `read_list` checks it by the labels in the list.
    """
    if not path.is_file():
        return tuple(sorted({line.split("/")[0] for line, _ in read_lines(train)}, key=str.lower))
    classes: list[str] = []
    for line, where in read_lines(path):
        number, _, name = line.partition(" ")
        if number != str(len(classes) + 1) or not name:
            raise FarviewError(f"{where}: '{line}'; expected '{len(classes) + 1} <class>'")
        classes.append(name.strip())
    return tuple(classes)


def read_list(path: Path, part: Part, classes: tuple[str, ...]) -> Iterator[Row]:
    """Lines `Class/name.avi`, in the train lists followed by the class's number from 1."""
    index = {name: i for i, name in enumerate(classes)}
    for line, where in read_lines(path):
        name, _, number = line.partition(" ")
        folder, _, file = name.partition("/")
        if folder not in index or not file:
            raise FarviewError(
                f"{where}: '{name}' is of no known class; expected <class>/<video> of classInd.txt"
            )
        if number and number != str(index[folder] + 1):
            raise FarviewError(
                f"{where}: '{name}' has label {number}, its class {folder} is {index[folder] + 1}"
            )
        group = re.search(r"_(g\d+)_c\d+", file)
        yield Row(name, index[folder], part, f"{folder}_{group[1] if group else file}", where)
