"""Atomic writing: complete or absent, whatever happens."""

import errno
import os
from pathlib import Path

import pytest

from farview.errors import FarviewError
from farview.frames.files import atomic_write


def test_writes_bytes_and_text_into_a_new_folder(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a" / "b" / "x.bin") as file:
        file.write(b"\x00\xff")
    with atomic_write(tmp_path / "a" / "x.txt", "w") as file:
        file.write("é\n")
    assert (tmp_path / "a" / "b" / "x.bin").read_bytes() == b"\x00\xff"
    assert (tmp_path / "a" / "x.txt").read_bytes() == "é\n".encode()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["b", "x.txt"]


def test_nothing_appears_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), FileNotFoundError(2, "gone")])
def test_an_error_keeps_the_old_file_and_leaves_no_trace(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(path) as file:
        file.write(b"half")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with (
        pytest.raises(FarviewError, match="x: cannot be written: no space") as caught,
        atomic_write(path) as file,
    ):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_when_buffers_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write itself succeeds into Python's buffer; the disk refuses at the flush."""
    real_open = open
    monkeypatch.setattr("builtins.open", lambda name, mode, **_: real_open("/dev/full", "wb"))
    with pytest.raises(FarviewError, match="no space"), atomic_write(tmp_path / "x") as file:
        file.write(b"small")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_and_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FarviewError, match="cannot be written"), atomic_write(tmp_path / "file" / "x"):
        pass
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(FarviewError, match="folder: cannot be written"),
        atomic_write(tmp_path / "folder") as file,
    ):
        file.write(b"1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "x") as file:
            file.write(b"1")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644
