"""HMDB51 (Kuehne et al., ICCV 2011): `<class>/<video>.avi` and 153 lists `<class>_test_split<1-3>.txt`."""

import re
from collections.abc import Iterator
from pathlib import Path

from farview.data.clip import DataSet, Part
from farview.data.config import DataConfig
from farview.data.layout import ClassFolders, Row, find_lists, listed_clips, official_split, read_lines
from farview.errors import FarviewError

PLACES = ("testTrainMulti_7030_splits", "test_train_splits", "splits", "splits/hmdb51")
PARTS: dict[str, Part] = {"0": "unused", "1": "train", "2": "test"}


def hmdb51(root: Path, config: DataConfig) -> DataSet:
    """Split `config.split` (1, 2, 3): 70 clips a class for training, 30 for testing, the others unused.

    Group: the film that a clip was cut from, which is what its name begins with. Raises `FarviewError` for
    missing lists, flags other than 0, 1, 2 and missing clips.
    """
    split = official_split(config)
    ending = f"_test_split{split}.txt"
    lists = find_lists(config, root, f"*{ending}", PLACES)
    classes = tuple(sorted(path.name.removesuffix(ending) for path in lists.glob(f"*{ending}")))
    rows = [row for i, name in enumerate(classes) for row in read_list(lists / f"{name}{ending}", name, i)]
    clips, missing = listed_clips(rows, ClassFolders(root).find, root, config)
    return DataSet(config.source, classes, clips, missing, people=False)


def read_list(path: Path, folder: str, label: int) -> Iterator[Row]:
    """Lines `<video>.avi <0 unused, 1 train, 2 test>` of one class."""
    for line, where in read_lines(path):
        name, _, flag = line.rpartition(" ")
        if flag not in PARTS or not name:
            raise FarviewError(f"{where}: '{line}'; expected '<video>.avi <0, 1 or 2>'")
        yield Row(f"{folder}/{name.strip()}", label, PARTS[flag], film(name.strip(), folder), where)


def film(name: str, folder: str) -> str:
    """`TrumanShow` of `TrumanShow_wave_f_nm_np1_fr_med_26.avi` in class `wave`; a name of another form is its own."""
    found = re.fullmatch(rf"(.*)_{re.escape(folder)}_[fhlu]_(cm|nm)_np\d+_[a-z]+_[a-z]+_\d+\.\w+", name)
    return found[1] if found else name
