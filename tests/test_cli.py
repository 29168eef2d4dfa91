"""The command as a user meets it: help, errors of one line, exit status, JSON; and what README shows, run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from farview.cli import VERBS, main
from farview.cli.words import spelled
from tests.training.tiny import tiny_recipe

ROOT = Path(__file__).parents[1]


def farview(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "farview", *arguments], capture_output=True, text=True, timeout=280
    )


def test_help_keeps_the_servers_token_to_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("FARVIEW_TOKEN", "a-token-of-the-servers")
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    told = capsys.readouterr().out
    assert "$FARVIEW_TOKEN" in told and "a-token-of-the-servers" not in told


def test_the_servers_token_is_the_options_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    from farview.deploy.serve import run

    tokens: list[str | None] = []
    monkeypatch.setattr(run, "serve", lambda **given: tokens.append(given["token"]))
    monkeypatch.setenv("FARVIEW_TOKEN", "a-token-of-the-servers")
    main(["serve", "model"])
    main(["serve", "model", "--token", "another"])
    monkeypatch.delenv("FARVIEW_TOKEN")
    main(["serve", "model"])
    assert tokens == ["a-token-of-the-servers", "another", None]


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from farview.cli import main; main(['--help']); "
        "heavy = {'torch', 'cv2', 'av', 'numpy', 'lightning', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert all(verb in result.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_without_torch(verb: str) -> None:
    code = (
        "import sys; from farview.cli import main\n"
        f"try: main([{verb!r}, '--help'])\n"
        "except SystemExit as error: assert error.code in (0, None), error.code\n"
        "assert 'torch' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


def test_help_says_what_keys_are() -> None:
    """What stands in their docstrings."""
    command = [sys.executable, "-m", "farview", "train", "fights", "--help"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "Largest norm of the gradient, if any." in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "nonsense"], "no such recipe"),
        (["scan", "ucf11:/data"], "ucf101"),
        (["scan", "folder:/no/such/folder"], "/no/such/folder"),
        (["predict", "/no/model.safetensors", "clip.mp4"], "/no/model.safetensors"),
    ],
)
def test_errors_are_one_line_with_a_remedy(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    text = str(stop.value)
    assert text.startswith("farview: ") and "\n" not in text and expected in text


@pytest.mark.parametrize("verb", ["train", "predict"])
def test_what_goes_on_after_ctrl_c_says_so(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def interrupted(rest: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(VERBS, verb, interrupted)
    with pytest.raises(SystemExit) as stop:
        main([verb])
    told = capsys.readouterr().err
    assert stop.value.code == 130 and told.startswith("farview: interrupted")
    assert ("epoch" in told) == (verb == "train")


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"cost", "demo", "train"}))
def test_a_verb_alone_says_what_it_needs(verb: str, capsys: pytest.CaptureFixture) -> None:
    """All but those that have something to do, or help to show, without a word."""
    with pytest.raises(SystemExit) as stop:
        main([verb])
    assert stop.value.code != 0
    assert "the following arguments are required: " in f"{capsys.readouterr().err}{stop.value.code}"


def test_debug_shows_the_traceback() -> None:
    result = farview("train", "nonsense", "--debug")
    assert result.returncode == 1 and "Traceback" in result.stderr


def test_switches_and_dashes() -> None:
    words = ["ucf101:/x", "--available-only", "--split", "2", "--data.box", "false", "--augment.flip=false"]
    assert spelled(words) == [
        "ucf101:/x",
        "--available_only=true",
        "--split",
        "2",
        "--data.box",
        "false",
        "--augment.flip=false",
    ]


def shown() -> list[str]:
    """The `farview` commands in README's shell block."""
    text = (ROOT / "README.md").read_text()
    lines = [line for block in re.findall(r"```\n(.*?)```", text, re.S) for line in block.splitlines()]
    return [line.split("#")[0].strip() for line in lines if line.startswith("farview ")]


def test_readme_commands_run(tmp_path: Path) -> None:
    """README's commands on tiny clips: the same verbs and options, smaller networks."""
    recipe = tiny_recipe(tmp_path)
    run = tmp_path / "run"
    clip = tmp_path / "clips" / "left" / "clip00"
    names = {"/data/mine": str(tmp_path / "clips"), "runs/mine": str(run), "clip.mp4": str(clip)}
    commands = shown()
    assert {command.split()[1] for command in commands} >= {
        "scan",
        "train",
        "evaluate",
        "predict",
        "explain",
        "cost",
    }
    (tmp_path / "tiny.yaml").write_text(small_yaml(recipe))
    np.save(tmp_path / "wall.npy", np.random.default_rng(0).normal(100, 2, (40, 12, 16, 1)).astype(np.uint8))
    for command in commands:
        for old, new in names.items():
            command = command.replace(old, new)
        arguments = shlex.split(command)[1:]
        if arguments[0] == "serve":
            continue  # runs until it is stopped: tests/deploy/serve/test_docs.py starts, asks and stops it
        if arguments[0] == "train":
            arguments[1] = str(tmp_path / "tiny.yaml")
        if arguments[0] == "watch":
            arguments[2] = "coarse.mp4"  # a folder of images would be waited at for more
        if arguments[0] in ("table", "sweep"):
            arguments += ["--recipe", str(tmp_path / "tiny.yaml")]
            arguments += (
                ["--resolutions", "6x8"]
                if arguments[0] == "sweep"
                else ["--columns", "resnet", "--rows", "SAT", "TAT"]
            )
        environment = {**os.environ, "HOME": str(tmp_path), "OMP_WAIT_POLICY": "PASSIVE"}
        result = subprocess.run(
            [sys.executable, "-m", "farview", *arguments],
            capture_output=True,
            text=True,
            timeout=280,
            cwd=tmp_path,
            env=environment,
        )
        assert result.returncode == 0, (command, result.stderr)
    assert {path.name for path in run.iterdir()} >= {"report.html", "results.json", "cstat.safetensors"}


def small_yaml(recipe: object) -> str:
    from dataclasses import asdict

    import yaml

    return yaml.safe_dump(json.loads(json.dumps(asdict(recipe))))  # type: ignore[call-overload]


def test_python_example(tmp_path: Path) -> None:
    """`farview.load(path).predict(path | frames)` as README shows it."""
    import farview
    from farview.training.phases import run

    finished = run(tiny_recipe(tmp_path, "--phases=[student]", "--student.epochs=1"), quiet=True)
    model = farview.load(finished.models["student"])
    clip = tmp_path / "clips" / "left" / "clip00"
    by_path = model.predict(clip)
    assert by_path.label in ("left", "right") and sum(by_path.scores.values()) == pytest.approx(1)
    frames = np.zeros((1, 6, 8, 3), np.uint8)  # one eLR frame is enough
    assert set(model.predict(frames).scores) == {"left", "right"}


def test_predict_prints_json_and_goes_on_after_a_broken_file(tmp_path: Path) -> None:
    from farview.training.phases import run

    finished = run(tiny_recipe(tmp_path, "--phases=[student]", "--student.epochs=1"), quiet=True)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    clip = tmp_path / "clips" / "left" / "clip00"
    result = farview("predict", str(finished.models["student"]), str(broken), str(clip), "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 1
    assert "broken.mp4" in rows[0]["error"] and rows[1]["label"] in ("left", "right")
    assert "Traceback" not in result.stderr


def test_version() -> None:
    assert farview("--version").stdout.strip() == "0.1.0"
