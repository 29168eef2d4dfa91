"""A model at work on one recording: the same scores as in testing, whatever the recording is given as."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.data.clip import Clip
from farview.errors import FarviewError, UnreadableClip
from farview.frames.arrays import ArrayFrames, MemoryFrames
from farview.frames.depth import DepthFile
from farview.frames.intervals import Intervals
from farview.frames.reader import LoadedReader
from farview.frames.recorder import Origin, Recorder
from farview.frames.sensor import SensorModel
from farview.frames.source import Images
from farview.frames.store import FrameStore
from farview.frames.video import VideoFile
from farview.models.contract import Contract, NetworkConfig
from farview.models.model_file import load_model, save_model
from farview.models.network import ActionNetwork
from farview.models.recogniser import Recogniser
from farview.models.sight import described
from farview.training.evaluation import predict_clips

SENSOR = SensorModel(height=6, width=8)


def contract_of(resolution: str, channels: int = 3) -> Contract:
    return Contract(
        classes=("walk", "run", "fall"),
        network=NetworkConfig("resnet18", 4, "small"),
        channels=channels,
        input_size=(24, 32),
        resolution=resolution,  # type: ignore[arg-type]
        sensor=SENSOR,
        intervals=Intervals(3, 2, 2),
        mean=(0.4,) * channels,
        std=(0.2,) * channels,
    )


@pytest.fixture(params=["hr", "elr"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return model_file(tmp_path, contract_of(request.param))


def model_file(folder: Path, contract: Contract) -> Path:
    torch.manual_seed(0)
    network = ActionNetwork(contract.network, len(contract.classes), contract.channels, 3, 2)
    torch.nn.init.normal_(network.fc.weight)  # scores that tell recordings apart
    path = folder / "model.safetensors"
    save_model(path, network, contract)
    return path


def frames_of(length: int, channels: int = 3, seed: int = 0) -> Images:
    """Coarse moving noise, so that it survives the sensor."""
    coarse = np.random.default_rng(seed).integers(0, 256, (length, 6, 8, channels), np.uint8)
    return coarse.repeat(8, 1).repeat(9, 2)


@pytest.mark.parametrize("length", [1, 2, 7, 40])
def test_same_scores_as_in_testing(model: Path, tmp_path: Path, length: int) -> None:
    np.save(tmp_path / "clip.npy", frames_of(length))
    network, contract = load_model(model)
    store = FrameStore(tmp_path / "store", SENSOR, contract.input_size, aspect=(6, 8))
    clips = [Clip("clip", ArrayFrames(tmp_path / "clip.npy"), 0, "test")]
    tested = predict_clips(network, contract, clips, store)
    made = Recogniser(model).recognise(tmp_path / "clip.npy")
    assert torch.equal(made.output.logits, tested.logits)
    assert torch.equal(made.interval_logits[None], tested.interval_logits)
    assert torch.equal(made.output.attention, tested.attention)
    np.testing.assert_allclose(made.probabilities, tested.logits[0].double().softmax(0), rtol=1e-12)


def test_path_source_and_array_are_one_recording(model: Path, tmp_path: Path) -> None:
    frames = frames_of(9)
    np.save(tmp_path / "clip.npy", frames)
    recogniser = Recogniser(model)
    given = [tmp_path / "clip.npy", str(tmp_path / "clip.npy"), ArrayFrames(tmp_path / "clip.npy"), frames]
    scores = [recogniser.recognise(recording).probabilities for recording in given]
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])
    assert np.abs(scores[0] - recogniser.recognise(frames_of(9, seed=1)).probabilities).max() > 1e-3


def test_elr_frames_are_taken_as_they_are(tmp_path: Path) -> None:
    recogniser = Recogniser(model_file(tmp_path, contract_of("elr")))
    frames = frames_of(12)
    small = SENSOR.degrade(frames, range(12))
    from_hr, from_elr = recogniser.recognise(frames), recogniser.recognise(small)
    np.testing.assert_array_equal(from_hr.seen, from_elr.seen)
    np.testing.assert_array_equal(from_hr.probabilities, from_elr.probabilities)
    np.testing.assert_array_equal(from_elr.seen, small[from_elr.indices])


def recorded(path: Path, frames: Images) -> Path:
    sensor = SensorModel(height=frames.shape[1], width=frames.shape[2])
    origin = Origin(sensor, 48, 72, 25.0)
    with path.open("wb", buffering=0) as file, Recorder(file, origin, frames.shape[3]) as recorder:
        for number, frame in enumerate(frames):
            recorder.add(frame, number / 25)
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_an_elr_recording_is_taken_as_it_is(tmp_path: Path, channels: int) -> None:
    recogniser = Recogniser(model_file(tmp_path, contract_of("elr")))
    frames = frames_of(12, channels)
    path = recorded(tmp_path / "a.mkv", SENSOR.degrade(frames, range(12)))
    from_hr, from_recording = recogniser.recognise(frames), recogniser.recognise(path)
    np.testing.assert_array_equal(from_hr.seen, from_recording.seen)
    np.testing.assert_array_equal(from_hr.probabilities, from_recording.probabilities)


def test_an_elr_recording_is_refused_where_it_would_be_degraded_again_or_taken_for_hr(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mkv", frames_of(5)[:, ::2, ::2])
    with pytest.raises(UnreadableClip, match=r"a\.mkv: an eLR recording of 24x36 .* frames of 6x8"):
        Recogniser(model_file(tmp_path, contract_of("elr"))).recognise(path)
    with pytest.raises(UnreadableClip, match=r"a\.mkv: an eLR recording of 24x36 .* HR frames"):
        Recogniser(model_file(tmp_path, contract_of("hr"))).recognise(path)


def test_what_is_kept_of_the_recording(model: Path) -> None:
    frames = frames_of(12)
    made = Recogniser(model).recognise(frames)
    assert made.length == 12
    np.testing.assert_array_equal(made.indices, Intervals(3, 2, 2).indices(12))
    np.testing.assert_array_equal(made.frames, frames[made.indices])
    assert made.video.shape == (1, 3, 3, 2, 24, 32)
    assert made.probabilities.sum() == pytest.approx(1)


def test_colour_becomes_luma_and_grey_is_repeated(tmp_path: Path) -> None:
    colour = frames_of(5)
    grey = Recogniser(model_file(tmp_path, contract_of("hr", channels=1))).recognise(colour)
    luma = np.rint(colour[grey.indices] @ [0.299, 0.587, 0.114])  # (K, T, H, W)
    assert abs(grey.seen[..., 0].mean() - luma.mean()) < 1  # the same window, resized
    single = frames_of(5, channels=1)
    repeated = Recogniser(model_file(tmp_path, contract_of("hr"))).recognise(single)
    assert repeated.seen.shape[-1] == 3
    for channel in (1, 2):
        np.testing.assert_array_equal(repeated.seen[..., channel], repeated.seen[..., 0])
    without_axis = Recogniser(model_file(tmp_path, contract_of("hr"))).recognise(single[..., 0])
    np.testing.assert_array_equal(without_axis.probabilities, repeated.probabilities)


@dataclass(frozen=True, eq=False)
class Counted:
    """A recording that notes which frames were read."""

    array: Images
    read: list[int]
    name: str = "counted"

    def fingerprint(self) -> str:
        return "counted"

    def open(self) -> "CountedReader":
        return CountedReader(self)


class CountedReader(LoadedReader):
    def __init__(self, source: Counted) -> None:
        super().__init__(source.name, source.array)
        self.source = source

    def read(self, indices: Sequence[int]) -> Images:  # type: ignore[override]
        self.source.read.extend(indices)
        return super().read(indices)

    def __iter__(self) -> Iterator:
        raise AssertionError("decodes everything")


def test_only_the_frames_of_the_intervals_are_decoded(model: Path) -> None:
    source = Counted(frames_of(50), [])
    made = Recogniser(model).recognise(source)
    assert source.read == sorted(set(made.indices.ravel().tolist()))
    assert len(source.read) == 6


def test_errors_name_the_recording(tmp_path: Path) -> None:
    recogniser = Recogniser(model_file(tmp_path, contract_of("elr")))
    np.save(tmp_path / "tiny.npy", np.zeros((3, 4, 4, 3), np.uint8))
    with pytest.raises(FarviewError, match=r"tiny\.npy.*too few pixels"):
        recogniser.recognise(tmp_path / "tiny.npy")
    with pytest.raises(UnreadableClip, match=r"absent\.mp4"):
        recogniser.recognise(tmp_path / "absent.mp4")
    with pytest.raises(UnreadableClip, match="uint8"):
        recogniser.recognise(np.zeros((3, 12, 16, 3), np.float32))  # type: ignore[arg-type]


def test_a_model_without_a_sensor_takes_hr(tmp_path: Path) -> None:
    contract = replace(contract_of("hr"), sensor=None)
    made = Recogniser(model_file(tmp_path, contract)).recognise(MemoryFrames(frames_of(4)))
    assert made.seen.shape == (3, 2, 24, 32, 3)


def test_real_videos_score_as_in_testing(model: Path, tmp_path: Path, data_root: Path) -> None:
    network, contract = load_model(model)
    store = FrameStore(tmp_path / "store", SENSOR, contract.input_size, aspect=(6, 8))
    video = data_root / "clips/ucf101/SoccerJuggling/v_SoccerJuggling_g23_c01.avi"
    tested = predict_clips(network, contract, [Clip("a", VideoFile(video), 0, "test")], store)
    made = Recogniser(model).recognise(video)
    assert torch.equal(made.output.logits, tested.logits)


def test_files_are_read_with_the_options_of_the_training_clips(tmp_path: Path) -> None:
    depth, array = tmp_path / "a01_s01_e01_sdepth.mat", tmp_path / "heat.npy"
    depth.touch()
    array.touch()
    trained = {"data": {"box": True, "distance": 3, "low": 15.0, "high": 35.0}}
    assert described(depth, trained) == DepthFile(depth, box=True, distance=3)
    assert described(array, trained) == ArrayFrames(array, low=15.0, high=35.0)
    assert described(depth) == DepthFile(depth)
    assert described(DepthFile(depth), trained) == DepthFile(depth)  # a description is taken at its word
