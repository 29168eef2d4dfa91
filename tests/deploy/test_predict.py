"""`farview predict` with an exported model where PyTorch is not installed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import farview
from farview.errors import FarviewError, extras_named
from farview.models.bundle import write_bundle
from tests.deploy.models import FLAT, coarse, model_file

HIDDEN = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def without(names: set[str], code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run `code` where the libraries `names` cannot be imported."""
    command = [sys.executable, "-c", HIDDEN.format(names=names) + MAIN + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=250)


MAIN = "from farview.cli import main\n"
TRAIN = {"torch", "lightning", "torchmetrics", "tensorboard", "scipy", "jsonargparse", "yaml", "filelock"}
RUN = "main(sys.argv[1:])"


def test_exported_models_need_no_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="pip install 'farview[export]'")
    from farview.deploy.export import export

    model = model_file(tmp_path / "a.safetensors", FLAT)
    for number in range(3):
        np.save(tmp_path / f"{number}.npy", coarse(9, np.random.default_rng(number)))
    recordings = [str(tmp_path / f"{number}.npy") for number in range(3)]
    export(model, "onnx", tmp_path / "a.zip", check=recordings[:1], quiet=True)
    result = without(TRAIN, RUN, "predict", str(tmp_path / "a.zip"), *recordings, "--json")
    assert result.returncode == 0, result.stderr
    original = farview.load(model)
    for line, recording in zip(result.stdout.splitlines(), recordings, strict=True):
        row, expected = json.loads(line), original.predict(recording).to_dict()
        assert row["label"] == expected["label"]
        assert row["scores"] == pytest.approx(expected["scores"], abs=1e-4)
        assert row["attention"] == pytest.approx(expected["attention"], abs=1e-4)


def test_what_runs_on_a_small_box_imports_no_pytorch() -> None:
    code = (
        "import farview.deploy.predict, farview.deploy.runtimes, farview.deploy.record, farview.deploy.render"
    )
    result = without(TRAIN | {"onnx", "matplotlib"}, code)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("verb", ["demo", "scan", "train", "evaluate", "explain", "export", "cost"])
def test_a_verb_that_trains_names_the_extra(verb: str) -> None:
    words = {"demo": [], "cost": []}.get(verb, ["x", "y"][: 1 + (verb != "export")])
    result = without(TRAIN, RUN, verb, *words)
    assert result.returncode == 1
    assert (
        f"farview: farview {verb} needs" in result.stderr and "pip install 'farview[train]'" in result.stderr
    )
    assert result.stderr.count("\n") == 1


def test_help_needs_nothing(tmp_path: Path) -> None:
    result = without(TRAIN | {"numpy", "cv2", "av", "rich", "safetensors"}, RUN, "--help")
    assert result.returncode == 0 and "export" in result.stdout, result.stderr


def test_a_model_names_the_extra_that_runs_it(tmp_path: Path) -> None:
    model = model_file(tmp_path / "a.safetensors", FLAT)
    files = {"contract.json": FLAT.to_json().encode(), "interval.onnx": b"", "decision.onnx": b""}
    with (tmp_path / "a.zip").open("wb") as file:
        write_bundle(file, files)
    for path, extra in ((model, "train"), (tmp_path / "a.zip", "runtime")):
        result = without(TRAIN | {"onnxruntime"}, RUN, "predict", str(path), "clip.mp4")
        assert result.returncode == 1 and f"{path} needs" in result.stderr, result.stderr
        assert f"'farview[{extra}]'" in result.stderr and result.stderr.count("\n") == 1


def test_graphs_that_are_none_are_one_line(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="pip install 'farview[export]'")
    files = {"contract.json": FLAT.to_json().encode(), "interval.onnx": b"no graph", "decision.onnx": b""}
    with (tmp_path / "a.zip").open("wb") as file:
        write_bundle(file, files)
    with pytest.raises(FarviewError, match=r"a\.zip: its graphs cannot be run") as caught:
        farview.load(tmp_path / "a.zip")
    assert "\n" not in str(caught.value)


def test_other_missing_modules_are_errors_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError), extras_named("farview x"):
        import farview.absent  # type: ignore[import-not-found]  # noqa: F401
    with (
        pytest.raises(FarviewError, match=r"farview x needs nncf.*'farview\[openvino\]'"),
        extras_named("farview x"),
    ):
        raise ModuleNotFoundError("No module named 'nncf.common'", name="nncf.common")
