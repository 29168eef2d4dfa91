"""The figures of a run against the files it left, and what is said of them."""

import csv
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from farview.experiments.results import (
    DRAWS,
    confusion_of,
    paired_difference,
    read_history,
    results_of,
    signed,
    verdict,
)
from farview.training.phases import Run

NETWORKS = {"teacher": "teacher", "student": "student", "transfer": "cstat"}


def predictions(run: Run, phase: Any) -> list[dict[str, str]]:
    return list(csv.DictReader((run.folders[phase] / "test-predictions.csv").open()))


def test_figures_are_those_of_the_predictions(finished: Run) -> None:
    results = results_of(finished, "a title")
    shares = {}
    for phase, name in NETWORKS.items():
        rows = predictions(finished, phase)
        hits = [row["label"] == row["predicted"] for row in rows]
        shares[name] = np.array(hits)
        assert results[name]["prec1"] == pytest.approx(100 * np.mean(hits))
        assert results[name]["prec5"] == 100  # of two classes
        assert results[name]["clips"] == len(rows) == len(finished.clips.test)
        low, high = results[name]["ci95"]
        assert 0 <= low <= results[name]["prec1"] <= high <= 100
        assert results[name]["epochs"] == {"teacher": 2, "student": 1, "cstat": 2}[name]
        assert results[name]["seconds"] > 0 and results[name]["parameters"] > 10_000
    gap = results["teacher"]["prec1"] - results["student"]["prec1"]
    gain = results["cstat"]["prec1"] - results["student"]["prec1"]
    if gap > 0:
        assert results["gap_closed"] == pytest.approx(100 * gain / gap)
    else:
        assert results["gap_closed"] is None
    assert results["difference"]["cstat_minus_student"] == pytest.approx(gain)
    assert results["classes"] == ["left", "right"] and results["seed"] == 0


def test_confusion_counts_every_clip(finished: Run) -> None:
    counts = confusion_of(finished, "student")
    rows = predictions(finished, "student")
    assert counts.sum() == len(rows)
    for i, label in enumerate(("left", "right")):
        for j, predicted in enumerate(("left", "right")):
            assert counts[i, j] == sum(r["label"] == label and r["predicted"] == predicted for r in rows)


def test_phases_that_did_not_run_are_none(finished: Run) -> None:
    alone = replace(finished, models={"student": finished.models["student"]})
    results = results_of(alone, "alone")
    assert results["teacher"] is None and results["cstat"] is None and results["student"]["clips"]
    assert results["gap_closed"] is None and results["difference"] is None


def test_history_has_nan_for_empty_cells(tmp_path: Any) -> None:
    (tmp_path / "history.csv").write_text("epoch,val/ce\n0,\n1,0.5\n")
    history = read_history(tmp_path / "history.csv")
    np.testing.assert_array_equal(history["epoch"], [0, 1])
    np.testing.assert_array_equal(history["val/ce"], [np.nan, 0.5])


def test_paired_interval_equals_drawing_clips_one_by_one() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(200) < 0.5, rng.random(200) < 0.6
    difference, (low, high) = paired_difference(first, second)
    assert difference == pytest.approx(100 * (second.mean() - first.mean()))
    drawn = rng.integers(0, 200, (DRAWS, 200))
    slow = 100 * (second[drawn].mean(1) - first[drawn].mean(1))
    np.testing.assert_allclose([low, high], np.percentile(slow, [2.5, 97.5]), atol=0.8)


def test_equal_networks_differ_by_nothing() -> None:
    hits = np.array([True, False, True])
    assert paired_difference(hits, hits) == (0.0, (0.0, 0.0))


def results(teacher: float, student: float, cstat: float, low: float, high: float) -> dict[str, Any]:
    def network(prec1: float) -> dict[str, Any]:
        return {"prec1": prec1, "clips": 50, "epochs": 3, "initial": None}

    closed = None if teacher <= student else 100 * (cstat - student) / (teacher - student)
    return {
        "teacher": network(teacher),
        "student": network(student),
        "cstat": network(cstat),
        "gap_closed": closed,
        "difference": {"cstat_minus_student": cstat - student, "ci95": [low, high]},
    }


def test_verdict_is_as_kind_as_the_figures() -> None:
    good = " ".join(verdict(results(80, 60, 70, 4, 16)))
    assert "costs 20.0 points" in good and "10.0 points better" in good and "50 %" in good
    assert "chance" not in good
    unsure = " ".join(verdict(results(80, 60, 62, -3, 7)))
    assert "includes 0" in unsure and "may be chance" in unsure
    worse = " ".join(verdict(results(80, 60, 55, -9, -1)))
    assert "CSTAT is not better than S-Net: −5.0 points" in worse and "%" not in worse.split("(95 %")[0]
    same = " ".join(verdict(results(80, 60, 60, -2, 2)))
    assert "CSTAT is not better" in same
    no_gap = " ".join(verdict(results(60, 60, 61, -2, 4)))
    assert "no gap to close" in no_gap and "closes" not in no_gap


def test_longer_training_is_mentioned() -> None:
    longer = results(80, 60, 70, 4, 16)
    longer["cstat"]["initial"] = "student"
    assert "3 more epochs" in verdict(longer)[-1]


def test_signs() -> None:
    assert [signed(1.26), signed(-1.26), signed(0)] == ["+1.3", "−1.3", "+0.0"]
