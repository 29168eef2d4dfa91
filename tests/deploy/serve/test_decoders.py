"""Decoding processes: those that do not start, and what those leave behind that are killed."""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from farview.deploy.serve import decoders
from farview.deploy.serve.decoders import Decoders
from farview.deploy.serve.limits import Limits, Refused
from farview.models.contract import read_contract
from tests.frames.videos import moving_picture, write_video


def dying(*_: Any) -> None:
    os._exit(1)


def test_a_process_that_dies_while_it_starts(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "work", dying)
    others = set(multiprocessing.active_children())
    with pytest.raises(Refused, match="did not start") as refused:
        asyncio.run(Decoders(read_contract(model), Limits()).warm())
    assert refused.value.status == 503
    assert set(multiprocessing.active_children()) <= others


def test_where_memory_has_no_names_the_server_removes_the_file(
    model: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that of a process that is killed while it decodes."""
    clip = write_video(folder / "seen.mp4", moving_picture(5, 48, 64)).read_bytes()
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def ask() -> None:
        made = Decoders(read_contract(model), Limits(seconds=5))
        await made.decode(clip)
        [left] = tmp_path.iterdir()
        assert not list(left.iterdir())
        [decoder] = {child for child in multiprocessing.active_children() if child not in others}
        assert decoder.pid is not None
        (left / "clip").write_bytes(clip)  # as while it decodes
        os.kill(decoder.pid, signal.SIGKILL)
        with pytest.raises(Refused):
            await made.decode(clip)
        assert not list(tmp_path.iterdir())

    others = set(multiprocessing.active_children())
    asyncio.run(ask())
