"""Empty files that are laid out as a data set is: indexing opens none of them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Touch = Callable[[Path, Iterable[str]], None]


@pytest.fixture(scope="session")
def touch() -> Touch:
    """`touch(root, names)` makes an empty file for each name below root."""

    def make(root: Path, names: Iterable[str]) -> None:
        folders: set[Path] = set()
        for name in names:
            path = root / name
            if path.parent not in folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                folders.add(path.parent)
            path.touch()

    return make
