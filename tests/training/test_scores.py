"""What is written of predictions, read again."""

from pathlib import Path

import numpy as np
import pytest
import torch

from farview.errors import FarviewError
from farview.training.evaluation import Predictions
from farview.training.phases import write_predictions
from farview.training.scores import read_scores


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    logits, empty = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.zeros(2, 1)
    made = Predictions(("a", "b,c"), torch.tensor([0, 0]), logits, empty, empty, empty)
    write_predictions(tmp_path / "p.csv", made, ("wave", "fäll"))
    for read in (read_scores(tmp_path / "p.csv"), read_scores(tmp_path / "p.csv", ("wave", "fäll"))):
        assert read.clips == ("a", "b,c") and read.classes == ("wave", "fäll")
        assert read.labels.tolist() == [0, 0] and read.predicted.tolist() == [0, 1]
        assert read.hits.tolist() == [True, False]
        np.testing.assert_allclose(read.probabilities, logits.softmax(1), atol=1e-6)


def test_what_is_no_such_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    for text, message in (
        ("clip,label,predicted,wave,fall\n", "holds no predictions"),
        ("", "holds no predictions"),
        ("clip,label,predicted,wave,fall\na,sit,wave,0.5,0.5\n", "cannot be read as predictions"),
        ("clip,label,predicted,wave,fall\na,wave\n", "cannot be read as predictions"),
        ("clip,label,predicted,wave,fall\na,wave,wave,1,x\n", "cannot be read as predictions"),
    ):
        path.write_text(text)
        with pytest.raises(FarviewError, match=rf"p\.csv: {message}"):
            read_scores(path)
    with pytest.raises(FarviewError, match="not this model's predictions"):
        read_scores(path, ("wave", "sit"))
    with pytest.raises(FarviewError, match=r"none\.csv: cannot be read .*: No such file"):
        read_scores(tmp_path / "none.csv")
