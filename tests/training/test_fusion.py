"""Scores of two streams added: by hand, from files, and by the verb evaluate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from farview.cli import main
from farview.errors import FarviewError
from farview.experiments.evaluate import evaluate, fused
from farview.models.model_file import read_contract
from farview.training.evaluation import Predictions
from farview.training.fusion import added, fuse, log_fused
from farview.training.phases import Run, run, write_predictions
from farview.training.recipe import read_recipe
from farview.training.scores import read_scores
from tests.training.tiny import tiny_recipe


def test_a_sure_stream_outvotes_an_unsure_one_unless_it_weighs_less() -> None:
    rgb = torch.tensor([[0.9, 0.1], [0.4, 0.6]], dtype=torch.float64)
    flow = torch.tensor([[0.2, 0.8], [0.5, 0.5]], dtype=torch.float64)
    expected = torch.tensor([[0.55, 0.45], [0.45, 0.55]], dtype=torch.float64)
    torch.testing.assert_close(fuse([rgb, flow], (1, 1)), expected)
    expected = torch.tensor([[0.375, 0.625], [0.475, 0.525]], dtype=torch.float64)
    torch.testing.assert_close(fuse([rgb, flow], (2, 6)), expected)
    torch.testing.assert_close(fuse([rgb, flow], (3, 0)), rgb)


def test_logits_are_added_by_their_probabilities_and_stay_finite() -> None:
    torch.manual_seed(0)
    rgb, flow = torch.randn(2, 5, 4, dtype=torch.float64)
    for weights in ((1, 1), (2, 6), (3, 0), (0, 0.5)):
        expected = fuse([rgb.softmax(1), flow.softmax(1)], weights).log()
        torch.testing.assert_close(log_fused([rgb, flow], weights), expected)
    sure = torch.tensor([[900.0, -900.0]])
    assert log_fused([sure, sure], (1, 1)).isfinite().all()
    assert (log_fused([sure, -sure], (1, 3)).exp() - torch.tensor([[0.25, 0.75]])).abs().max() < 1e-6


def written(path: Path, logits: torch.Tensor, clips: tuple[str, ...] = ("a", "b,c")) -> Path:
    n = len(clips)
    predictions = Predictions(
        clips, torch.tensor([0, 1])[:n], logits, logits[:, None], torch.zeros(n, 1), torch.ones(n, 1)
    )
    write_predictions(path, predictions, ("left", "right"))
    return path


def test_scores_of_the_same_clips_are_added(tmp_path: Path) -> None:
    logits = torch.tensor([[1.0, -1.0], [0.5, 0.2]])
    read = read_scores(written(tmp_path / "a.csv", logits))
    assert read.predicted.tolist() == [0, 0]
    both = added([read, read_scores(written(tmp_path / "b.csv", -2 * logits))], (1, 1))
    assert both.predicted.tolist() == [1, 1]
    other = read_scores(written(tmp_path / "c.csv", logits[:1], ("a",)))
    with pytest.raises(FarviewError, match="the same clips"):
        added([read, other], (1, 1))


@pytest.mark.parametrize("weights", ["[0,0]", "[-1,2]", "[1,.inf]"])
def test_weights_that_make_no_mean_are_refused(weights: str) -> None:
    with pytest.raises(FarviewError, match="fusion"):
        read_recipe(None, ["--data.source=mime", f"--fusion={weights}"])


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("streams")
    keys = ("--student.epochs=1", "--phases=[student]", "--input.intervals.frames=2")
    rgb = run(tiny_recipe(folder, *keys), quiet=True)
    flow = run(tiny_recipe(folder, *keys, "--input.stream=flow", f"--out={folder / 'flow'}"), quiet=True)
    return rgb, flow


def test_evaluate_adds_a_flow_model(
    streams: tuple[Run, Run], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = streams[0]
    folders = [each.folders["student"] for each in streams]
    expected = added([read_scores(folder / "test-predictions.csv") for folder in folders], (1, 2))
    monkeypatch.setenv("HOME", str(tmp_path))
    models = [str(each.models["student"]) for each in streams]
    arguments = ["--flow", models[1], "--fusion", "1", "2", "--json", "--out", str(tmp_path / "out")]
    main(["evaluate", models[0], rgb.recipe.data.source, *arguments])
    told = json.loads(capsys.readouterr().out)
    assert told["prec1"] == pytest.approx(100 * expected.hits.mean()) and " + " in told["model"]
    read = read_scores(tmp_path / "out" / "predictions.csv")
    np.testing.assert_allclose(read.probabilities, expected.probabilities, atol=1e-5, rtol=0)


def test_evaluate_takes_one_model_of_each_stream(
    streams: tuple[Run, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    rgb, flow = (str(each.models["student"]) for each in streams)
    source = streams[0].recipe.data.source
    for weights in (["0", "0"], ["-1", "2"]):
        with pytest.raises(SystemExit, match=r"--fusion: .* expected weights of at least 0, not both 0"):
            main(["evaluate", rgb, source, "--flow", flow, "--fusion", *weights])
    with pytest.raises(SystemExit):
        main(["evaluate", rgb, source, "--fusion", "1", "2"])
    assert "--fusion weighs two models: name the one of flow by --flow" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=f"--flow: {rgb} was not trained on flow"):
        main(["evaluate", rgb, source, "--flow", rgb])
    with pytest.raises(SystemExit, match=f"MODEL: {flow} was not trained on frames"):
        main(["evaluate", flow, source, "--flow", flow])


def test_other_clips_cannot_be_added(streams: tuple[Run, Run]) -> None:
    rgb = streams[0]
    results = [
        evaluate(rgb.models["student"], rgb.recipe.data, part, store=rgb.recipe.store, quiet=True)  # type: ignore[arg-type]
        for part in ("test", "train")
    ]
    assert read_contract(rgb.models["student"]).flow is None
    with pytest.raises(FarviewError, match="cannot be added: other clips"):
        fused(results[0], results[1], (1, 1))
