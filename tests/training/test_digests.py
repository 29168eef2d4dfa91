"""What stands for a phase's inputs: runs that were made before a key existed must still be found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farview.data.clip import Clip, DataSet
from farview.frames.arrays import MemoryFrames
from farview.frames.store import FrameStore
from farview.training.data import Prepared
from farview.training.phases import phase_digests
from farview.training.recipe import Recipe, read_recipe

PARTS = ("train", "train", "val", "test")


@pytest.fixture
def clips(tmp_path) -> Prepared:
    """Four clips whose content is fixed, so that their fingerprints are."""
    made = tuple(
        Clip(f"clip{i}", MemoryFrames(np.full((3, 6, 8, 1), i, np.uint8)), i % 2, part)  # type: ignore[arg-type]
        for i, part in enumerate(PARTS)
    )
    data = DataSet("made", ("left", "right"), made)
    train, val, test = (data.part(part) for part in ("train", "val", "test"))  # type: ignore[arg-type]
    return Prepared(data, train, val, test, (), FrameStore(tmp_path, None, None), 1, {})


def recipe(*settings: str) -> Recipe:
    return read_recipe(None, ["--data.source=mime", *settings])


@pytest.mark.parametrize(
    ("settings", "teacher", "student", "transfer"),
    [
        ((), "d1a903ab44a5", "f90254f7a774", "8aefc7fbdcbe"),
        (("--augment.fresh_noise=true",), "d1a903ab44a5", "8b4417fa9181", "0b2728ab826a"),
        (
            ("--network.width=16", "--input.size=[48,64]"),
            "ff7ac7904136",
            "8a14765004b0",
            "a2637d61c7f5",
        ),
    ],
)
def test_digests_are_those_of_before_the_later_keys(settings, teacher, student, transfer, clips) -> None:
    """Written down before `input.elr_size` and `student_network` existed. They change with a key's default too: then
    every run is made anew, which should be meant."""
    assert phase_digests(recipe(*settings), clips) == {
        "teacher": teacher,
        "student": student,
        "transfer": transfer,
    }


def test_keys_at_their_defaults_change_nothing(clips: Prepared) -> None:
    stated = recipe("--input.elr_size=null", "--augment.fresh_noise=false", "--augment.fresh_elr=false")
    assert phase_digests(stated, clips) == phase_digests(recipe(), clips)
    built = recipe("--student_network.backbone=null", "--student_network.width_factor=1.0")
    assert phase_digests(built, clips) == phase_digests(recipe(), clips)
    as_t_net = recipe("--student_network.backbone=resnet34", "--student_network.stem=imagenet")
    assert phase_digests(as_t_net, clips) == phase_digests(recipe(), clips)
    same = recipe("--input.elr_size=[256,340]")  # what it is without
    assert phase_digests(same, clips) == phase_digests(recipe(), clips)


def test_native_is_the_sensors_size(clips: Prepared) -> None:
    native, stated = recipe("--input.elr_size=native"), recipe("--input.elr_size=[12,16]")
    assert phase_digests(native, clips) == phase_digests(stated, clips)


@pytest.mark.parametrize(
    "setting",
    [
        "--input.elr_size=native",
        "--student_network.width_factor=0.5",
        "--student_network.stem=tiny",
        "--student_network.backbone=resnet18",
    ],
)
def test_s_nets_keys_leave_t_net_alone(setting: str, clips: Prepared) -> None:
    before, after = phase_digests(recipe(), clips), phase_digests(recipe(setting), clips)
    assert before["teacher"] == after["teacher"]
    assert before["student"] != after["student"] and before["transfer"] != after["transfer"]


def test_the_transfer_depends_on_its_t_net(clips: Prepared) -> None:
    other = replace(recipe(), teacher=replace(recipe().teacher, lr=0.5))
    before, after = phase_digests(recipe(), clips), phase_digests(other, clips)
    assert before["student"] == after["student"] and before["transfer"] != after["transfer"]


def test_a_t_net_depends_on_the_sensors_window_alone(clips: Prepared) -> None:
    def teacher(*settings: str) -> str:
        return phase_digests(recipe(*settings), clips)["teacher"]

    finer = teacher("--input.sensor.height=24", "--input.sensor.width=32", "--input.sensor.noise=9")
    assert finer == teacher()  # 3:4 too: the same HR frames
    upright = teacher("--input.sensor.height=16", "--input.sensor.width=12")
    assert upright != teacher() and upright == teacher("--input.sensor.height=32", "--input.sensor.width=24")


def test_a_file_of_first_weights_counts_by_its_size_and_time(clips: Prepared, tmp_path: Path) -> None:
    """A phase that starts from a file is trained again where another file has its name."""
    path = tmp_path / "first.pth"
    path.write_bytes(b"one")
    started = recipe(f"--student.initial={path}")
    before = phase_digests(started, clips)
    assert phase_digests(started, clips) == before
    path.write_bytes(b"another")
    after = phase_digests(started, clips)
    assert before["teacher"] == after["teacher"] == phase_digests(recipe(), clips)["teacher"]
    assert before["student"] != after["student"] and before["transfer"] != after["transfer"]


def test_a_phase_that_starts_from_no_file_depends_on_none(
    clips: Prepared, tmp_path: Path, monkeypatch
) -> None:
    """Whatever lies in the working folder under a phase's name."""
    before = phase_digests(recipe(), clips)
    (tmp_path / "student").write_bytes(b"no weights")
    monkeypatch.chdir(tmp_path)
    assert phase_digests(recipe(), clips) == before


def test_processes_count_where_each_has_norms_of_its_own(clips: Prepared) -> None:
    frozen = [f"--{name}.freeze_norm=true" for name in ("teacher", "student", "transfer")]
    for settings, same in (([], False), (frozen, True)):
        one, two = (
            phase_digests(recipe(*settings, *machine), clips)
            for machine in ([], ["--machine.devices=2", "--machine.strategy=ddp"])
        )
        assert all((one[name] == two[name]) == same for name in one)
    across = recipe("--machine.nodes=2")
    assert phase_digests(across, clips) == phase_digests(recipe("--machine.devices=2"), clips)
