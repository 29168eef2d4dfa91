r"""Some of a data set's training people as an unlabeled pool: to try what unlabeled clips of other people bring.

    python benchmarks/unlabeled.py msr-action3d:/data/MSR-Action3D --groups s07 s09 --out runs/unlabeled
    farview table 4 --data folder:runs/unlabeled/labelled.csv --pool folder:runs/unlabeled/pool.csv \
        --recipe msr-action3d

`labelled.csv` has the other people's training clips and all test clips; `pool.csv` the training clips of the named
groups, whose labels Farview takes off.
"""

import csv
from argparse import ArgumentParser
from pathlib import Path

from farview.data.config import DataConfig
from farview.data.datasets import data_folder, open_data

COLUMNS = ("path", "label", "group", "split")


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", help="kind:folder, whose clips are files and have groups")
    parser.add_argument("--groups", nargs="+", required=True)
    parser.add_argument("--out", default="runs/unlabeled")
    options = parser.parse_args()
    config = DataConfig(options.data)
    data, root = open_data(config), data_folder(config).resolve()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    labelled, pool = [], []
    for clip in data.clips:
        unlabeled = clip.part == "train" and clip.group in options.groups
        row = (str(root / clip.id), data.classes[clip.label or 0], clip.group, clip.part)
        (pool if unlabeled else labelled).append(row)
    for name, rows in (("labelled", labelled), ("pool", pool)):
        with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        print(f"{out / name}.csv: {len(rows)} clips")


if __name__ == "__main__":
    main()
