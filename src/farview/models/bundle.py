"""Several files as one to hand over: a zip whose members are stored as they are."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from farview.errors import FarviewError

_FIRST_BYTES = b"PK\x03\x04"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: equal members make equal files


Bundle = dict[str, bytes]
"""Name to content."""


def is_bundle(path: Path | str) -> bool:
    """Whether `path` is a file that begins as a zip does."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(_FIRST_BYTES)) == _FIRST_BYTES


def write_bundle(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    """Write `members`, name to content; the same members in the same order give the same bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in members.items():
            bundle.writestr(zipfile.ZipInfo(name, _DATE), content)


def read_bundle(path: Path | str, *names: str) -> Bundle:
    """Name to content of the members, or of `names` alone. Nothing is unpacked to disk.

    Raises FarviewError where a name is missing, the file is damaged, or a member is compressed or encrypted: stored
    members take no more memory than the file has bytes, whoever made it.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            infos = [info for info in bundle.infolist() if not names or info.filename in names]
            for info in infos:
                if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    raise FarviewError(
                        f"{path}: {info.filename} is compressed; farview export stores it as it is"
                    )
            if sum(info.file_size for info in infos) > Path(path).stat().st_size:
                raise FarviewError(f"{path}: its members are larger than itself; export the model again")
            found = {info.filename: bundle.read(info) for info in infos}
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise FarviewError(f"{path}: damaged ({error}); copy or export the model again") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise FarviewError(f"{path}: lacks {missing[0]}; expected a file that farview export has written")
    return found
