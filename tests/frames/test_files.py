"""Atomic writing: complete or absent, whatever happens."""

import errno
import os
import subprocess
import sys
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


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """But not what a living one is writing, nor files that are none of ours."""
    code = """
import os, sys
from pathlib import Path
from farview.frames.files import atomic_write
with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"half")
    os.kill(os.getpid(), 9)
"""
    path, others = tmp_path / "x[1].mkv", [tmp_path / ".x[1].mkv.tmp", tmp_path / ".x[1].mkv.my-own.tmp"]
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    for other in others:
        other.write_bytes(b"")
    with atomic_write(path) as first:
        assert len(list(tmp_path.iterdir())) == 3
        with atomic_write(path) as second:
            second.write(b"second")
        first.write(b"first")
    assert path.read_bytes() == b"first" and set(tmp_path.iterdir()) == {path, *others}


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with atomic_write(tmp_path / "x") as file:
            file.write(b"1")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644
