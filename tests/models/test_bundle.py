"""Several files as one: what goes in comes out; a file that someone else made cannot do harm."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from farview.errors import FarviewError
from farview.models.bundle import is_bundle, read_bundle, write_bundle

MEMBERS = {"contract.json": b"{}", "interval.onnx": bytes(range(256)) * 40, "decision.onnx": b""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with (tmp_path / "model.zip").open("wb") as file:
        write_bundle(file, MEMBERS)
    return tmp_path / "model.zip"


def test_in_and_out(path: Path) -> None:
    assert is_bundle(path)
    assert read_bundle(path) == MEMBERS
    assert read_bundle(path, "contract.json") == {"contract.json": b"{}"}


def test_any_unzip_takes_the_files_out(path: Path, tmp_path: Path) -> None:
    subprocess.run(["python3", "-m", "zipfile", "-e", path, tmp_path / "out"], check=True)
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()} == MEMBERS


def test_same_members_same_bytes(path: Path) -> None:
    again = io.BytesIO()
    write_bundle(again, MEMBERS)
    assert again.getvalue() == path.read_bytes()


def test_other_files_are_no_bundles(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    assert not is_bundle(tmp_path / "a.safetensors")
    assert not is_bundle(tmp_path / "absent") and not is_bundle(tmp_path)


def test_a_missing_member_is_named(path: Path) -> None:
    with pytest.raises(FarviewError, match=r"model\.zip: lacks other\.json"):
        read_bundle(path, "other.json")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("contract.json", bytes(50_000_000))
    with pytest.raises(FarviewError, match=r"bomb\.zip: contract\.json is compressed"):
        read_bundle(tmp_path / "bomb.zip")


def test_a_member_that_claims_to_be_huge_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")  # the first of the central directory
    data[entry + 20 : entry + 28] = (1 << 31).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(FarviewError, match="larger than itself"):
        read_bundle(path)


@pytest.mark.parametrize("kept", [5, 3000, -30])
def test_a_cut_file_is_named(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FarviewError, match=r"model\.zip: damaged"):
        read_bundle(path)


def test_a_flipped_bit_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    with pytest.raises(FarviewError, match=r"model\.zip: damaged"):
        read_bundle(path)
