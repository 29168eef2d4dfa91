"""Whole runs on a tiny data set: reuse, resume after a kill, distribution, what is written, what stops."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from farview.errors import FarviewError
from farview.models.model_file import load_model, read_contract
from farview.training.calibration import calibrate
from farview.training.data import prepare
from farview.training.phases import Run, phase_folders, run
from farview.training.recipe import Recipe
from farview.training.scores import read_scores
from tests.frames.videos import moving_picture, write_video
from tests.training.tiny import CLASSES, tiny_recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tiny_recipe(tmp_path_factory.mktemp("run")), quiet=True)


def test_each_phase_leaves_model_history_and_predictions(finished: Run) -> None:
    assert set(finished.models) == {"teacher", "student", "transfer"}
    for name, path in finished.models.items():
        contract = read_contract(path)
        assert contract.classes == CLASSES
        assert contract.resolution == ("hr" if name == "teacher" else "elr")
        assert contract.accuracy["test"]["clips"] == len(finished.clips.test)
        rows = list(csv.DictReader((finished.folders[name] / "history.csv").open()))
        assert [float(row["epoch"]) for row in rows] == [0, 1, 2]
        assert all(float(row["train/total"]) > 0 for row in rows)
        predictions = list(csv.DictReader((finished.folders[name] / "test-predictions.csv").open()))
        assert {row["clip"] for row in predictions} == {clip.id for clip in finished.clips.test}
        hits = sum(row["label"] == row["predicted"] for row in predictions)
        assert contract.accuracy["test"]["prec1"] == pytest.approx(100 * hits / len(predictions))
    header = (finished.folders["transfer"] / "history.csv").read_text().splitlines()[0]
    for term in ("ce", "sat", "sat1", "sat4", "tat", "tat1", "tat2", "spread", "kept", "score", "total"):
        assert f"train/{term}" in header.split(",")


def test_a_second_run_trains_nothing(finished: Run) -> None:
    def times() -> dict[Path, int]:
        files = [path for folder in finished.folders.values() for path in folder.rglob("*")]
        return {path: path.stat().st_mtime_ns for path in files if path.name != "lock"}

    before = times()
    assert run(finished.recipe, quiet=True).folders == finished.folders
    assert times() == before


def test_changed_inputs_retrain_what_depends_on_them(finished: Run) -> None:
    changed = replace(finished.recipe, student=replace(finished.recipe.student, lr=0.002))
    again = run(changed, quiet=True)
    assert again.folders["teacher"] == finished.folders["teacher"]
    assert again.folders["student"] != finished.folders["student"]
    assert again.folders["transfer"] != finished.folders["transfer"]  # it starts from the student
    assert (finished.folders["student"] / "model.safetensors").exists()  # nothing is lost


def test_validation_clips_are_held_out_of_training(finished: Run) -> None:
    train, val, test = (
        {c.id for c in part} for part in (finished.clips.train, finished.clips.val, finished.clips.test)
    )
    assert train and val and test
    assert not train & val and not train & test and not val & test


def test_teacher_is_left_alone_by_the_transfer(finished: Run) -> None:
    teacher, _ = load_model(finished.models["teacher"])
    again, _ = load_model(finished.folders["teacher"] / "model.safetensors")
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    checkpoint = torch.load(finished.folders["transfer"] / "last.ckpt", weights_only=True)
    assert all(key.startswith(("network.", "loss.")) for key in checkpoint["state_dict"])
    learned = sum(len(group["params"]) for group in checkpoint["optimizer_states"][0]["param_groups"])
    student, _ = load_model(finished.models["transfer"])
    extractor = sum(key.startswith("loss.") for key in checkpoint["state_dict"])
    assert learned == len(list(student.parameters())) + extractor


SCRIPT = """
import sys
from pathlib import Path
from farview.training.phases import run
from tests.frames.videos import moving_picture, write_video
from tests.training.tiny import tiny_recipe
if __name__ == "__main__":
    run(tiny_recipe(Path(sys.argv[1]), *sys.argv[2:]))
"""


def start(folder: Path, *overrides: str) -> subprocess.Popen:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])  # the package that is tested here
    environment = {**os.environ, "PYTHONPATH": path, "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, str(script), str(folder), *overrides],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("keep", ["best", "last"])
def test_killed_runs_end_bit_equal(tmp_path: Path, keep: str) -> None:
    """kill -9 in the middle of the student and again in the transfer."""
    settings = [
        f"--{phase}.{key}" for phase in ("student", "transfer") for key in ("epochs=6", f"keep={keep}")
    ]
    settings += ["--network.dropout=0.2"]
    whole = run(tiny_recipe(tmp_path, *settings), quiet=True)
    cut = [*settings, "--out", str(tmp_path / "cut")]
    for name in ("student", "cstat"):
        process = start(tmp_path, *cut)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(name) and "epoch   3/6" in line:
                time.sleep(0.05)  # somewhere inside the next epoch
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
        assert process.returncode == -signal.SIGKILL
    resumed = run(tiny_recipe(tmp_path, *cut), quiet=True)
    for name, path in whole.models.items():
        one, other = load_file(path), load_file(resumed.models[name])
        assert all(torch.equal(one[key], other[key]) for key in one), name
    rows = list(csv.DictReader((resumed.folders["transfer"] / "history.csv").open()))
    assert [float(row["epoch"]) for row in rows] == [0, 1, 2, 3, 4, 5]
    seconds = read_contract(resumed.models["transfer"]).trained["seconds"]  # of the cut run, too
    assert seconds == round(sum(float(row["seconds"]) for row in rows), 1)


def test_a_run_that_stopped_early_and_was_cut_does_not_go_on(tmp_path: Path) -> None:
    """Its weights hardly move, so that no epoch after the first has a better validation."""
    settings = ["--phases=[student]", "--student.epochs=9", "--student.patience=2", "--student.lr=1e-12"]
    recipe = tiny_recipe(tmp_path, *settings, "--student.freeze_norm=true")
    finished = run(recipe, quiet=True)
    folder = finished.folders["student"]
    rows = (folder / "history.csv").read_text()
    assert len(rows.splitlines()) < 10  # with the header
    (folder / "model.safetensors").unlink()
    again = run(recipe, quiet=True)
    assert (folder / "history.csv").read_text() == rows
    assert read_contract(again.models["student"]).accuracy["test"]["clips"] == len(again.clips.test)


def test_patience_without_validation_clips_is_refused(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "--transfer.patience=2", "--data.val_share=0")
    with pytest.raises(FarviewError, match=r"transfer\.patience: 2.*raise data\.val_share or leave out"):
        run(recipe, quiet=True)
    assert not list((tmp_path / "run").rglob("model.safetensors"))  # before any phase has trained


def test_two_processes_equal_one(tmp_path: Path) -> None:
    """Two gloo processes with frozen norms and the same global batch, within float tolerance."""
    settings = [f"--{p}.freeze_norm=true" for p in ("teacher", "student", "transfer")]
    settings += [f"--{p}.epochs=2" for p in ("teacher", "student", "transfer")]
    one = run(tiny_recipe(tmp_path, *settings), quiet=True)
    two = ["--machine.devices=2", "--machine.strategy=ddp_spawn", "--out", str(tmp_path / "two")]
    process = start(tmp_path, *settings, *two)
    process.communicate(timeout=240)
    assert process.returncode == 0
    for name, path in one.models.items():
        first, second = load_file(path), load_file(tmp_path / "two" / path.name)
        assert read_contract(tmp_path / "two" / path.name).trained["seconds"] > 0  # of processes of their own
        for key in first:
            torch.testing.assert_close(first[key], second[key], rtol=1e-3, atol=2e-5, msg=f"{name} {key}")


def test_two_nodes_equal_one_process(tmp_path: Path) -> None:
    """`torchrun` as `docs/training.md` shows it, two nodes of one process each, all phases of a run."""
    settings = [
        f"--{p}.{key}" for p in ("teacher", "student", "transfer") for key in ("freeze_norm=true", "epochs=2")
    ]
    recipe = tiny_recipe(tmp_path, *settings)
    one = run(recipe, quiet=True)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        endpoint = f"localhost:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1"]
    command += ["--rdzv_backend=c10d", f"--rdzv_endpoint={endpoint}", "-m", "farview", "train"]
    command += [str(Path(recipe.out) / "recipe.yaml"), "--machine.nodes=2", "--machine.strategy=ddp"]
    command += ["--out", str(tmp_path / "two")]
    nodes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    for node in nodes:
        text, _ = node.communicate(timeout=240)
        assert node.returncode == 0, text.decode()
    assert (tmp_path / "two" / "results.json").is_file()
    for name, path in one.models.items():
        first, second = load_file(path), load_file(tmp_path / "two" / path.name)
        for key in first:
            torch.testing.assert_close(first[key], second[key], rtol=1e-3, atol=2e-5, msg=f"{name} {key}")


def test_processes_that_train_together_do_not_wait_for_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leading one alone would, and skip what the others had begun to train."""
    recipe = tiny_recipe(tmp_path, "--phases=[student]")
    folder = phase_folders(recipe, prepare(recipe, quiet=True))["student"]
    folder.mkdir(parents=True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with FileLock(folder / "lock"), pytest.raises(FarviewError, match=r"another run .* start again"):
        run(recipe, quiet=True)


def test_accumulated_micro_batches_equal_the_batch(tmp_path: Path) -> None:
    settings = [
        "--phases=[student]",
        "--student.freeze_norm=true",
        "--student.epochs=2",
        "--student.optimizer=sgd",
    ]
    whole = run(tiny_recipe(tmp_path, *settings), quiet=True)
    parts = run(
        tiny_recipe(tmp_path, *settings, "--student.micro_batch=2", "--out", str(tmp_path / "m")), quiet=True
    )
    one, other = load_file(whole.models["student"]), load_file(parts.models["student"])
    for key in one:
        torch.testing.assert_close(one[key], other[key], rtol=1e-4, atol=1e-6, msg=key)


def test_an_epoch_shorter_than_a_batch_is_one_whole_step(tmp_path: Path) -> None:
    """The sum of its micro-batches is divided by their number, not by that of a full batch."""
    settings = [
        "--phases=[student]",
        "--student.freeze_norm=true",
        "--student.epochs=1",
        "--student.batch=64",
    ]
    settings += [
        "--student.optimizer=sgd",
        "--student.warmup=0",
        "--data.val_share=0",
        "--data.test_share=0.34",
    ]
    whole = run(tiny_recipe(tmp_path, *settings), quiet=True)
    assert len(whole.clips.train) == 8
    micro = ["--student.micro_batch=2", "--out", str(tmp_path / "m")]
    parts = run(tiny_recipe(tmp_path, *settings, *micro), quiet=True)
    one, other = load_file(whole.models["student"]), load_file(parts.models["student"])
    for key in one:
        torch.testing.assert_close(one[key], other[key], rtol=1e-5, atol=1e-8, msg=key)


def test_processes_without_a_clip_of_the_last_validation_batch_go_on(tmp_path: Path) -> None:
    """Three clips in batches of two: the second process has none of the last."""
    settings = ["--phases=[student]", "--student.batch=2", "--student.epochs=1", "--data.val_share=0.4"]
    settings += ["--data.test_share=0.34"]
    assert len(prepare(tiny_recipe(tmp_path, *settings), quiet=True).val) == 3
    process = start(tmp_path, *settings, "--machine.devices=2", "--machine.strategy=ddp_spawn")
    process.communicate(timeout=240)
    assert process.returncode == 0
    history = next((tmp_path / "run" / "phases").glob("student-*/history.csv"))
    row = next(csv.DictReader(history.open()))
    assert float(row["val/prec@1"]) in [pytest.approx(100 * hits / 3) for hits in range(4)]


def test_unlabeled_pool_takes_part(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    pool = replace(recipe.data, pool=recipe.data.source)
    finished = run(replace(recipe, data=pool), quiet=True)
    assert finished.clips.pool and all(clip.label is None for clip in finished.clips.pool)
    assert not {c.id for c in finished.clips.pool} & {c.id for c in finished.clips.train}


def test_a_term_that_is_not_finite_is_named_with_its_clips(tmp_path: Path) -> None:
    settings = ["--phases=[student]", "--student.lr=1e30", "--student.optimizer=sgd", "--student.warmup=0"]
    recipe = tiny_recipe(tmp_path, *settings, "--student.batch=2")  # more than one step before the validation
    with pytest.raises(FarviewError, match=r"'ce' is .* on clips (left|right)/clip|gradient of"):
        run(recipe, quiet=True)


@pytest.mark.parametrize("val_share", [0.0, 0.4])
def test_a_network_that_diverged_is_no_result(tmp_path: Path, val_share: float) -> None:
    """One step spoils the weights, and no other shows it: validation does, or testing."""
    settings = ["--phases=[student]", "--student.epochs=1", "--student.batch=64", "--student.warmup=0"]
    settings += ["--student.lr=1e30", "--student.optimizer=sgd", f"--data.val_share={val_share}"]
    recipe = tiny_recipe(tmp_path, *settings)
    for _ in range(2):  # another call is not answered by what the first one left
        with pytest.raises(FarviewError, match=r"logits are not finite on .* clips: .*clip\d+.*lower rate"):
            run(recipe, quiet=True)
    assert not list((tmp_path / "run").rglob("model.safetensors"))
    assert not list((tmp_path / "run").rglob("*predictions.csv"))


def test_transfer_without_its_teacher_says_so(tmp_path: Path) -> None:
    with pytest.raises(FarviewError, match="needs the phase 'teacher'"):
        run(tiny_recipe(tmp_path, "--phases=[transfer]"), quiet=True)


def test_unreadable_training_clips_are_left_out_up_to_a_share(tmp_path: Path) -> None:
    recipe: Recipe = tiny_recipe(tmp_path, "--phases=[student]", "--student.epochs=1")
    train = run(recipe, quiet=True).clips.train
    victim = tmp_path / "clips" / train[0].id
    next(victim.glob("*.png")).write_bytes(b"no picture")
    with pytest.raises(FarviewError, match=victim.name):
        run(recipe, quiet=True)
    lenient = run(replace(recipe, unreadable_share=0.5), quiet=True)
    assert len(lenient.clips.unreadable) == 1 and victim.name in next(iter(lenient.clips.unreadable))
    assert train[0].id not in {clip.id for clip in lenient.clips.train}


def test_results_name_their_origin(finished: Run) -> None:
    trained = read_contract(finished.models["transfer"]).trained
    assert json.dumps(trained)
    assert trained["phase"] == "transfer" and trained["seed"] == 0 and trained["loss"]["confidence"] == "mlp"


@pytest.mark.parametrize("key", ["fresh_noise", "fresh_elr"])
def test_what_is_fresh_leaves_the_teacher_and_older_runs_alone(tmp_path: Path, key: str) -> None:
    plain, fresh = (tiny_recipe(tmp_path, f"--augment.{key}={on}") for on in ("false", "true"))
    before, after = (phase_folders(recipe, prepare(recipe, quiet=True)) for recipe in (plain, fresh))
    assert before["teacher"] == after["teacher"]
    assert before["student"] != after["student"] and before["transfer"] != after["transfer"]


def test_fresh_elr_trains_s_net_alone_and_by_transfer(tmp_path: Path) -> None:
    """S-Net's phase has HR frames then, of which its eLR ones are made."""
    alone = run(tiny_recipe(tmp_path, "--augment.fresh_elr=true", "--phases=[student]"), quiet=True)
    after = run(tiny_recipe(tmp_path, "--augment.fresh_elr=true"), quiet=True)
    assert after.folders["student"] == alone.folders["student"]
    assert read_contract(after.models["transfer"]).trained["augment"]["fresh_elr"]


def test_a_model_tells_how_fast_and_long_its_clips_were_and_how_far_to_trust_it(tmp_path: Path) -> None:
    for number, step in enumerate((2, 2, 1)):
        for label in ("left", "right"):
            clip = tmp_path / "clips" / label / f"{number}.mp4"
            clip.parent.mkdir(parents=True, exist_ok=True)
            times = range(0, step * 20, step)[: 12 + 2 * number]
            write_video(clip, moving_picture(12 + 2 * number, 24, 32), times=times)
    options = ("--phases=[student]", "--student.epochs=1", "--data.val_share=0.4", "--data.test_share=0")
    finished = run(tiny_recipe(tmp_path, *options), quiet=True)
    trained = read_contract(finished.models["student"]).trained
    lengths = [finished.clips.store.length(clip.source) for clip in finished.clips.train]
    assert trained["pace"]["frames"] == np.median(lengths)
    rates = [25.0 if clip.id.endswith("2.mp4") else 12.5 for clip in finished.clips.train]
    assert trained["pace"]["rate"] == pytest.approx(np.median(rates), rel=0.1)
    path = finished.folders["student"] / "validation-predictions.csv"
    held_out = read_scores(path, ("left", "right"))
    expected = calibrate(held_out.probabilities, held_out.labels)
    assert trained["calibration"]["temperature"] == pytest.approx(expected.temperature, rel=1e-3)
    assert trained["calibration"]["threshold"] == pytest.approx(expected.threshold, abs=1e-4)
