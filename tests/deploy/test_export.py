"""`farview export`: one file, the same scores, nothing written that fails its check."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.cli import main
from farview.data.clip import Clip
from farview.deploy import export as job
from farview.deploy.export import Check, compare, export, refuse
from farview.deploy.export_clips import clips_of, spread
from farview.deploy.graphs import runner
from farview.deploy.runner import Runner, open_model
from farview.errors import FarviewError
from farview.frames.arrays import MemoryFrames
from farview.models.bundle import read_bundle, write_bundle
from farview.models.contract import Contract, read_contract
from tests.deploy.models import DEEP, FLAT, clips, coarse, model_file, shown


class Exports:
    """Models exported once for all tests of this file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, f"folder:{clips(folder / 'clips')}"

    def make(self, contract: Contract, format: str, *options: str) -> tuple[Path, Path]:
        """(the model, what it was exported to)"""
        name = f"{contract.network.backbone}-{format}{''.join(options)}"
        model, out = self.folder / f"{contract.network.backbone}.safetensors", self.folder / f"{name}.zip"
        if not out.exists():
            model_file(model, contract)
            words = [
                "export",
                str(model),
                "--format",
                format,
                "--out",
                str(out),
                "--check",
                self.data,
                "--quiet",
            ]
            main([*words, *options])
        return model, out


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    pytest.importorskip("onnxruntime", reason="pip install 'farview[export]'")
    return Exports(tmp_path_factory.mktemp("exports"))


BOTH = pytest.mark.parametrize("contract", [FLAT, DEEP], ids=["flat", "deep"])


def same_scores(model: Path, out: Path, contract: Contract) -> None:
    """Of other frames than the export was checked on, in batches of any size."""
    original, made = runner(model), open_model(out, threads=1)
    for videos in (1, 2, 5):
        frames = shown(contract, videos * contract.intervals.count, seed=videos)
        halves = []
        for each in (original, made):
            features = each.features(frames).reshape(videos, contract.intervals.count, -1)
            halves.append((features, each.decide(features), each.attend(features)))
        for first, second in zip(*halves, strict=True):
            assert second.dtype == np.float32
            np.testing.assert_allclose(first, second, atol=1e-4)


@BOTH
def test_onnx_says_the_same(exports: Exports, contract: Contract) -> None:
    same_scores(*exports.make(contract, "onnx"), contract)


@BOTH
def test_openvino_says_the_same(exports: Exports, contract: Contract) -> None:
    pytest.importorskip("openvino", reason="pip install 'farview[openvino]'; make test-openvino")
    same_scores(*exports.make(contract, "openvino"), contract)


@BOTH
def test_onnx_graphs_describe_themselves(exports: Exports, contract: Contract) -> None:
    """For those who take the graphs out and use them without Farview."""
    import onnx

    _, out = exports.make(contract, "onnx")
    files = read_bundle(out)
    assert list(files) == ["contract.json", "interval.onnx", "decision.onnx"]
    assert read_contract(out) == contract
    size = (6, 8) if contract.resolution == "elr" else contract.input_size
    expected = {
        "interval": (
            ("frames", 2, ["batch", contract.intervals.frames, *size, contract.channels]),
            ["features"],
        ),
        "decision": (("features", 1, ["batch", contract.intervals.count, 8 * contract.network.width]), None),
    }
    for name, (given, outputs) in expected.items():
        model = onnx.load_from_string(files[f"{name}.onnx"])
        onnx.checker.check_model(model, full_check=True)
        metadata = {item.key: item.value for item in model.metadata_props}
        assert Contract.from_json(metadata["farview"]) == contract
        (value,) = model.graph.input
        dims = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        assert (value.name, value.type.tensor_type.elem_type, dims) == given
        assert [each.name for each in model.graph.output] == (outputs or ["scores", "attention"])


def test_openvino_graphs_describe_themselves(exports: Exports) -> None:
    openvino = pytest.importorskip("openvino", reason="pip install 'farview[openvino]'; make test-openvino")
    files = read_bundle(exports.make(FLAT, "openvino")[1])
    model = openvino.Core().read_model(files["interval.xml"], files["interval.bin"])
    assert Contract.from_json(model.get_rt_info(["farview"]).astype(str)) == FLAT


def test_a_program_is_for_pytorch(exports: Exports, tmp_path: Path) -> None:
    """PyTorch's own loader runs it; Farview does not, as that loader trusts whatever is in a file."""
    model, out = exports.make(FLAT, "program")
    for name, content in read_bundle(out).items():
        (tmp_path / name).write_bytes(content)
    extra = {"farview": ""}
    interval = torch.export.load(tmp_path / "interval.pt2", extra_files=extra).module()
    decision = torch.export.load(tmp_path / "decision.pt2").module()
    assert Contract.from_json(extra["farview"]) == FLAT
    frames = shown(FLAT, 3)
    features = interval(torch.from_numpy(frames))[None]
    scores, _ = decision(features)
    ready = runner(model)
    np.testing.assert_allclose(scores.detach(), ready.decide(ready.features(frames)[None]), atol=1e-6)
    with pytest.raises(
        FarviewError, match=r"\.zip: holds decision\.pt2, interval\.pt2, which farview does not run"
    ):
        open_model(out)


@pytest.mark.parametrize("format", ["onnx", "openvino"])
@pytest.mark.parametrize(
    "change",
    [{"sensor": {"height": 5, "width": 8, "blur": 0.3, "noise": 2.0, "seed": 0}}, {"classes": ["a", "b"]}],
    ids=["size", "classes"],
)
def test_graphs_that_do_not_fit_the_contract_are_named_at_once(
    exports: Exports, tmp_path: Path, format: str, change: dict
) -> None:
    if format == "openvino":
        pytest.importorskip("openvino", reason="pip install 'farview[openvino]'; make test-openvino")
    _, out = exports.make(FLAT, format)
    members = dict(read_bundle(out))
    members["contract.json"] = json.dumps(json.loads(members["contract.json"]) | change).encode()
    with (tmp_path / "m.zip").open("wb") as file:
        write_bundle(file, members)
    with pytest.raises(
        FarviewError, match=r"m\.zip: its graphs cannot be run \(.*\); export the model again"
    ):
        open_model(tmp_path / "m.zip")


def test_an_exported_model_is_not_exported_again(exports: Exports) -> None:
    with pytest.raises(FarviewError, match=r"onnx\.zip: an exported model"):
        export(exports.make(FLAT, "onnx")[1], "onnx")


def test_only_an_exported_model_is_written_over(exports: Exports, tmp_path: Path) -> None:
    """A trained model above all is not, be it the one that is exported."""
    model, out = exports.make(FLAT, "onnx")
    trained, notes, zipped, again = (tmp_path / name for name in ("m.safetensors", "a.txt", "b.zip", "c.zip"))
    shutil.copy(model, trained)
    notes.write_text("notes")
    with zipped.open("wb") as file:
        write_bundle(file, {"notes": b"notes"})
    shutil.copy(out, again)
    before = {path: path.read_bytes() for path in (trained, notes, zipped)}
    for path in (*before, tmp_path):
        with pytest.raises(FarviewError, match=f"--out: {path} is there already and no exported model"):
            export(trained, "onnx", path, check=[exports.data], quiet=True)
    assert {path: path.read_bytes() for path in before} == before
    again.write_bytes(again.read_bytes()[:-9])  # an export that was not copied whole
    with pytest.raises(FarviewError, match="is there already"):
        export(trained, "onnx", again, check=[exports.data], quiet=True)
    shutil.copy(out, again)
    export(trained, "onnx", again, check=[exports.data], quiet=True)


@pytest.mark.parametrize("format", ["onnx", "program"])
def test_nothing_of_this_machine_is_inside(exports: Exports, format: str) -> None:
    for name, content in read_bundle(exports.make(FLAT, format)[1]).items():
        assert b"graphs.py" not in content and str(exports.folder).encode() not in content, name


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_int8(exports: Exports, format: str) -> None:
    """Nearly the same scores, from whole numbers: a quarter of the bytes."""
    if format == "openvino":
        pytest.importorskip("nncf", reason="pip install 'farview[openvino]'; make test-openvino")
    options = ["--int8", "--calibrate", exports.data, "--allow-drop"]
    model, out = exports.make(FLAT, format, *options)
    _, plain = exports.make(FLAT, format)
    weights = "interval.onnx" if format == "onnx" else "interval.bin"
    assert len(read_bundle(out)[weights]) < 0.6 * len(read_bundle(plain)[weights])
    original, made, frames = runner(model), open_model(out), shown(FLAT, 12)
    features = original.features(frames)
    error = np.linalg.norm(made.features(frames) - features) / np.linalg.norm(features)
    assert 1e-5 < error < 0.3


def test_int8_tells_its_own_accuracy(exports: Exports, tmp_path: Path) -> None:
    """That of training was PyTorch's; the calibration of scores is still that, and stays."""
    facts = {"data": {"source": exports.data}, "calibration": {"temperature": 1.5, "threshold": 0.4}}
    contract = replace(FLAT, accuracy={"test": {"prec1": 12.5, "clips": 8}}, trained=facts)
    model = model_file(tmp_path / "a.safetensors", contract)
    out, found = export(
        model,
        "onnx",
        tmp_path / "a.zip",
        int8=True,
        calibrate=[exports.data],
        check=[exports.data],
        allow_drop=True,
        quiet=True,
    )
    made = read_contract(out)
    assert made.accuracy == {
        "int8": {
            "prec1": found.prec1[1],
            "prec1_float32": found.prec1[0],
            "clips": found.labelled,
            "largest_difference": found.difference,
            "data": [exports.data],
        }
    }
    assert found.labelled > 0 and made == replace(contract, accuracy=made.accuracy)
    assert b'"test": {"prec1"' not in read_bundle(out)["interval.onnx"]


def test_onnx_int8_is_whole_numbers_but_for_the_first_layer(exports: Exports) -> None:
    import onnx

    _, out = exports.make(FLAT, "onnx", "--int8", "--calibrate", exports.data, "--allow-drop")
    model = onnx.load_from_string(read_bundle(out)["interval.onnx"])
    made_by = {name: node.op_type for node in model.graph.node for name in node.output}
    fed = [made_by[node.input[0]] for node in model.graph.node if node.op_type == "Conv"]
    assert fed[0] != "DequantizeLinear" and set(fed[1:]) == {"DequantizeLinear"} and len(fed) == 20


def wrong(original: Runner, change: Callable[[np.ndarray], np.ndarray]) -> Runner:
    return Runner(
        original.contract, original._interval, lambda f: [change(original.decide(f)), original.attend(f)]
    )


def test_what_differs_is_not_written(
    exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = exports.make(FLAT, "onnx")
    original = runner(model)
    for change in (lambda scores: scores + 2e-4, lambda scores: scores * np.nan):
        monkeypatch.setattr(job, "started", lambda contract, files, change=change: wrong(original, change))
        monkeypatch.setattr(job, "exported", lambda *_: read_bundle(out))
        with pytest.raises(FarviewError, match=r"new\.zip: not written: a score differs by"):
            export(model, "onnx", tmp_path / "new.zip", check=[exports.data], quiet=True)
        assert not list(tmp_path.iterdir())


def test_prec1_is_counted_on_labelled_clips(tmp_path: Path) -> None:
    original = runner(model_file(tmp_path / "a.safetensors", FLAT))
    recording = MemoryFrames(coarse(9, np.random.default_rng(1)))
    best = int(original.decide(original.features(job.look(recording, FLAT).seen)[None]).argmax())
    labels = [best, best, (best + 1) % 3, None]
    listed = [Clip(str(i), recording, label, "test") for i, label in enumerate(labels)]
    found = compare(original, wrong(original, lambda scores: np.roll(scores, 1, 1)), listed)
    assert (found.clips, found.labelled) == (4, 3)
    assert found.prec1 == pytest.approx((200 / 3, 100 / 3))


@pytest.mark.parametrize(
    ("found", "int8", "allow", "passes"),
    [
        (Check(9, 9.9e-5, 0, (0, 0)), False, False, True),
        (Check(9, 1e-4, 0, (0, 0)), False, False, False),
        (Check(9, float("nan"), 0, (0, 0)), False, True, False),
        (Check(9, float("nan"), 100, (80, 80)), True, True, False),
        (Check(9, 0.3, 100, (80, 79)), True, False, True),
        (Check(9, 0.3, 100, (80, 85)), True, False, True),
        (Check(9, 0.3, 273, (80, 78.9)), True, False, False),
        (Check(9, 0.3, 273, (80, 70)), True, True, True),
    ],
)
def test_what_an_export_may_cost(found: Check, int8: bool, allow: bool, passes: bool) -> None:
    if passes:
        refuse(Path("a.zip"), found, int8, allow)
    else:
        with pytest.raises(FarviewError, match=r"a\.zip: not written"):
            refuse(Path("a.zip"), found, int8, allow)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--format", "program", "--int8"], "--int8: is for onnx and openvino"),
        (["--calibrate", "folder:x"], "--calibrate: is for --int8"),
        (["--check", "/no/clip.mp4"], r"/no/clip\.mp4: no such file"),
        (["--check", "folder:/no/such"], "/no/such: no such folder"),
        ([], "does not tell what it was trained on; name clips by --check"),
        (["--int8", "--check", "CLIP"], "judged by Prec@1; name labelled clips"),
    ],
)
def test_errors_come_before_the_work(tmp_path: Path, options: list[str], expected: str) -> None:
    model = model_file(tmp_path / "a.safetensors", FLAT)
    np.save(tmp_path / "clip.npy", coarse(5, np.random.default_rng(0)))
    words = [str(tmp_path / "clip.npy") if word == "CLIP" else word for word in options]
    with pytest.raises(SystemExit, match=expected) as stop:
        main(["export", str(model), "--out", str(tmp_path / "a.zip"), *words])
    assert "\n" not in str(stop.value) and not (tmp_path / "a.zip").exists()


def test_which_clips_are_taken(tmp_path: Path) -> None:
    """By default those of the training's data: what it learned from, and its test clips; never what it held out."""
    data = f"folder:{clips(tmp_path / 'clips', count=10)}"
    contract = replace(
        FLAT, trained={"data": {"source": data, "test_share": 0.2, "val_share": 0.25, "pool": "x:y"}}
    )
    parts = {part: clips_of([], contract, part, "--check") for part in ("train", "test")}  # type: ignore[arg-type]
    assert {part: len(of) for part, of in parts.items()} == {"train": 18, "test": 6}
    assert not {c.id for c in parts["train"]} & {c.id for c in parts["test"]}
    named = clips_of([data, str(tmp_path / "clips/walk/0.npy")], contract, "test", "--check")
    assert [c.label is None for c in named] == [False] * 6 + [True]
    turned = replace(contract, classes=("跳", "walk", "Fallen"))
    other = clips_of([], turned, "test", "--check")
    assert [turned.classes[c.label] for c in other] == [FLAT.classes[c.label] for c in parts["test"]]  # type: ignore[index]
    shutil.rmtree(tmp_path / "clips")
    with pytest.raises(FarviewError, match=r"no such folder.*name clips by --calibrate"):
        clips_of([], contract, "train", "--calibrate")


def test_spread_reaches_the_end() -> None:
    listed = [Clip(str(i), MemoryFrames(np.zeros((1, 6, 8, 3), np.uint8)), 0, "test") for i in range(10)]
    assert [c.id for c in spread(listed, 4)] == ["0", "2", "5", "7"]
    assert spread(listed, 10) == spread(listed, 99) == listed


def test_real_clips(exports: Exports, data_root: Path, capsys: pytest.CaptureFixture) -> None:
    model, out = exports.make(FLAT, "onnx")
    videos = sorted((data_root / "clips/ucf101/SoccerJuggling").glob("*.avi"))[:2]
    listed = clips_of([str(video) for video in videos], FLAT, "test", "--check")
    assert compare(runner(model), open_model(out), listed).difference < 1e-4
    said = []
    for path in (model, out):
        main(["predict", str(path), *map(str, videos), "--json"])
        said.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    for first, second in zip(*said, strict=True):
        assert first["label"] == second["label"]
        assert first["scores"] == pytest.approx(second["scores"], abs=1e-4)
