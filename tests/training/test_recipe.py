"""Every recipe that ships is read against the real types; wrong ones are answered with the key and a remedy."""

from dataclasses import replace
from inspect import signature
from pathlib import Path

import pytest

from farview.errors import FarviewError
from farview.experiments.demo import demo as run_demo
from farview.models.model_file import save_model
from farview.models.network import ActionNetwork
from farview.models.weights import load_initial
from farview.rivals.options import config_of
from farview.training.recipe import PHASES, digest, known_keys, read_recipe, recipe_path
from tests.models.test_weights import contract

RECIPES = sorted(
    path
    for path in (Path(__file__).parents[2] / "recipes").rglob("*.yaml")
    if path.parent.name != "choices"  # lists for `farview table --choices`
)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipes_parse_and_say_how_to_run_them(path: Path) -> None:
    over = path.parent.name == "add"  # laid over another one
    recipe = read_recipe("mime", [f"--recipe={path}"]) if over else read_recipe(path)
    assert set(recipe.phases) <= set(PHASES)
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert any("farview train" in line or "farview demo" in line for line in head)


def test_a_recipe_is_laid_over_another_by_name() -> None:
    plain = read_recipe("msr-action3d")
    for words in (["--recipe", "add/kd"], ["--recipe=add/kd"]):
        recipe = read_recipe("msr-action3d", [*words, "--seed", "5"])
        assert (recipe.loss.kd, recipe.loss.sat, recipe.seed) == (1, 0, 5)
        assert recipe.augment == replace(plain.augment, fresh_noise=True)
        assert recipe.transfer == plain.transfer
    with pytest.raises(FarviewError, match=r"add/kdd: no such recipe file.*add/kd"):
        read_recipe("mime", ["--recipe", "add/kdd"])


@pytest.mark.parametrize("name", ["folder", "fights", "msr-action3d"])
def test_networks_start_from_the_demos(name: str, tmp_path: Path) -> None:
    demo, recipe = read_recipe("mime"), read_recipe(name, ["--recipe=add/demo"])
    folder, saved = signature(run_demo).parameters["out"].default, tmp_path / "demo.safetensors"
    assert recipe.transfer.initial == "student"
    for phase in PHASES[:2]:
        assert getattr(recipe, phase).initial == f"{folder}/{phase}.safetensors"
        seen = demo.input.intervals
        learned = ActionNetwork(demo.network_of(phase), 12, 3, seen.count, seen.frames)
        save_model(saved, learned, contract(learned))
        seen = recipe.input.intervals
        for channels in (1, 3):
            network = ActionNetwork(recipe.network_of(phase), 2, channels, seen.count, seen.frames)
            left = load_initial(network, saved).skipped
            assert all(key.startswith(("fc.", "attention.")) for key in left)


@pytest.mark.parametrize("name", ["paper/resnet34", "paper/r2plus1d18"])
def test_paper_recipes_are_the_papers(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.input.size == (256, 340)
    assert (recipe.input.sensor.height, recipe.input.sensor.width) == (12, 16)
    k = recipe.input.intervals
    assert (k.count, k.frames) == ((8, 1) if name.endswith("34") else (4, 5))
    for phase in (recipe.teacher, recipe.student, recipe.transfer):
        assert (phase.batch, phase.lr, phase.epochs, phase.step, phase.warmup) == (256, 0.001, 50, 20, 5)
        assert (phase.optimizer, phase.momentum, phase.schedule) == ("sgd", 0.9, "step")
    assert recipe.network.width == 64 and recipe.network.stem == "imagenet"
    assert recipe.loss.confidence == "mlp" and recipe.loss.norm == 2


def test_every_key_can_be_overridden() -> None:
    recipe = read_recipe(
        "mime", ["--student.lr=0.5", "--input.sensor.height=6", "--loss.rolling=true", "--seed=3"]
    )
    assert (recipe.student.lr, recipe.input.sensor.height, recipe.loss.rolling, recipe.seed) == (
        0.5,
        6,
        True,
        3,
    )
    assert {"data.source", "input.sensor.blur", "loss.sat_inner", "machine.precision"} <= set(known_keys())


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("--student.lrr=1", "did you mean 'student.lr'"),
        ("--nettwork.width=3", "did you mean 'network.width'"),
        ("--student.lr=fast", "student.lr.*float"),
        ("--student.epochs=0", "student.epochs.*above 0"),
        ("--student.micro_batch=7", "student.micro_batch.*divide"),
        ("--student.label_smoothing=7", r"student\.label_smoothing: 7\.0 .*within 0 to 1"),
        ("--transfer.label_smoothing=-0.5", r"transfer\.label_smoothing: -0\.5 .*within 0 to 1"),
        ("--student.momentum=1.1", r"student\.momentum: 1\.1 .*within 0 to 1"),
        ("--student.weight_decay=-1", r"student\.weight_decay: -1\.0 .*at least 0"),
        ("--student.weight_decay=.nan", r"student\.weight_decay: nan .*at least 0"),
        ("--student.warmup=-1", r"student\.warmup: -1\.0 .*at least 0"),
        ("--student.lr=.nan", r"student\.lr: nan .*above 0"),
        ("--student.lr=.inf", r"student\.lr: inf .*above 0"),
        ("--student.clip_norm=0", r"student\.clip_norm: 0\.0 .*above 0"),
        ("--teacher.patience=0", r"teacher\.patience: 0 .*above 0"),
        ("--machine.devices=-1", r"machine\.devices: -1 .*at least 1"),
        ("--seed=-1", r"seed: -1 .*from 0 to 4294967295"),
        ("--seed=4294967296", r"seed: 4294967296 .*from 0 to 4294967295"),
        ("--unreadable_share=.nan", r"unreadable_share: nan .*from 0 to 1"),
        ("--phases=[transfer,teacher]", "phases"),
        ("--network.backbone=vgg", "network.backbone|resnet18"),
        ("--student_network.with_factor=0.5", "did you mean 'student_network.width_factor'"),
        ("--student_network.width_factor=0.01", r"student_network\.width_factor: 0\.01 .*expected 1/16"),
        ("--augment.fresh_elr=true --input.size=[8,16]", r"augment\.fresh_elr.*8x16.*sensor of 12x16"),
        ("--student_network.stem=huge", r"student_network\.stem.*imagenet"),
    ],
)
def test_wrong_keys_and_values_are_named(override: str, expected: str) -> None:
    with pytest.raises(FarviewError, match=expected) as caught:
        read_recipe("mime", override.split())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("--input.size=5", "command line: input.size: expected a list such as [12, 16]. Got value: 5"),
        (
            "--transfer.epochs=1.5",
            "command line: transfer.epochs: expected a value of type int. Got value: 1.5",
        ),
        ("--input.stream=flo", "command line: input.stream: expected one of 'rgb', 'flow'. Got value: flo"),
        (
            "--input.elr_size=foo",
            "command line: input.elr_size: expected one of: tuple[int, int], 'native', null. Got value: foo",
        ),
    ],
)
def test_what_is_wrong_on_the_command_line_is_not_blamed_on_the_file(override: str, expected: str) -> None:
    with pytest.raises(FarviewError) as caught:
        read_recipe("mime", [override])
    assert str(caught.value) == expected


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("data: {source: mime}\ninput: {size: 7}\n")
    with pytest.raises(FarviewError, match=r"bad\.yaml: input\.size: expected a list"):
        read_recipe(tmp_path / "bad.yaml", ["--student.epochs=3"])


def test_unknown_key_in_a_file_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("data: {source: mime}\nstudent: {epoch: 3}\n")
    with pytest.raises(FarviewError, match=r"mine\.yaml.*did you mean 'student.epochs'"):
        read_recipe(path)


def test_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(FarviewError, match=r"nonsense.*paper/resnet34"):
        recipe_path("nonsense")


def test_digest_depends_on_values_alone() -> None:
    one, other = read_recipe("mime"), read_recipe("mime")
    assert digest(one) == digest(other)
    assert digest(one) != digest(read_recipe("mime", ["--seed=1"]))


def test_student_network_is_of_s_net_alone() -> None:
    recipe = read_recipe("mime", ["--student_network.width_factor=0.5", "--student_network.stem=tiny"])
    assert recipe.network == recipe.network_of("teacher") == read_recipe("mime").network
    expected = replace(recipe.network, width=recipe.network.width // 2, stem="tiny")
    assert recipe.network_of("student") == recipe.network_of("transfer") == expected


HALF = "--student_network.width_factor=0.5"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((HALF, "--transfer.initial=teacher"), r"transfer\.initial: teacher: .*leave out student_network"),
        ((HALF, "--student.initial=teacher"), r"student\.initial: teacher: .*leave out student_network"),
        (
            ("--student_network.stem=tiny", "--transfer.initial=teacher", "--transfer.refit=true"),
            r"transfer\.initial: teacher",
        ),
        (
            (HALF, "--loss.feature=1"),
            r"loss\.feature: .*8 where T-Net has 16.*student_network\.width_factor: 1",
        ),
    ],
)
def test_what_another_s_net_cannot_give_is_refused_by_key(overrides: tuple[str, ...], expected: str) -> None:
    with pytest.raises(FarviewError, match=expected) as caught:
        read_recipe("mime", list(overrides))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "remedy"),
    [
        (8, "2", 3, r"student\.micro_batch: 2; set student\.batch to a multiple of 6, for example 12"),
        (8, "8", 3, r"micro_batch: 8; .* multiple of 24, for example 24"),  # shares of 3, 3 and 2
        (12, "4", 2, r"micro_batch: 4; .* multiple of 8, for example 16"),
        (256, "null", 3, r"= 3 processes; .* multiple of 3, for example 258"),
        (8, "2", 2, None),
        (8, "8", 2, None),
        (8, "null", 4, None),
        (7, "7", 1, None),
    ],
)
def test_a_batch_that_processes_cannot_share_is_refused(batch, micro, processes, remedy) -> None:
    settings = ["--phases=[student]", f"--student.batch={batch}", f"--student.micro_batch={micro}"]
    settings.append(f"--machine.devices={processes}")
    if remedy is None:
        read_recipe("mime", settings)
        return
    with pytest.raises(FarviewError, match=rf"student\.batch: {batch} .*machine\.devices.*{remedy}"):
        read_recipe("mime", settings)


def test_what_no_phase_of_the_run_asks_for_is_not_refused() -> None:
    alone = "--phases=[teacher,student]"
    read_recipe("mime", [HALF, alone, "--loss.feature=1", "--transfer.initial=teacher"])
    read_recipe("mime", [HALF, "--phases=[teacher]", "--student.initial=teacher"])
    same = "--student_network.width_factor=1"  # as T-Net, whatever the section says
    read_recipe(
        "mime", [same, "--student_network.stem=small", "--transfer.initial=teacher", "--loss.feature=1"]
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--rival.intervals.frames=16"], {"intervals": {"frames": 16}}),
        (
            ["--rival.intervals.frames=16", "--rival.intervals.count=2"],
            {"intervals": {"frames": 16, "count": 2}},
        ),
        (["--rival.width=2", "--rival.intervals.frames", "16"], {"width": 2, "intervals": {"frames": 16}}),
        (
            ["--rival={intervals: {count: 3}}", "--rival.intervals.frames=16"],
            {"intervals": {"count": 3, "frames": 16}},
        ),
        (["--rival.width=0.5"], {"width": 0.5}),
        (["--rival.intervals.frames=16", "--rival.intervals={frames: 8}"], {"intervals": {"frames": 8}}),
        (["--rival.copies=2", "--rival", "{width: 2}"], {"width": 2}),
        ([], None),
    ],
)
def test_an_option_within_a_rivals_option_leaves_the_others(
    words: list[str], found: dict | None, tmp_path: Path
) -> None:
    assert read_recipe("fights", words).rival == found
    said = {"method": "i3d", "intervals": {"count": 7, "frames": 8, "stride": 2}}
    text = recipe_path("fights").read_text() + f"\nrival: {said}\n"
    (tmp_path / "own.yaml").write_text(text)
    if not any("{" in word for word in words):
        merged = read_recipe(tmp_path / "own.yaml", words).rival
        intervals = said["intervals"] | (found or {}).get("intervals", {})
        assert merged == {**said, **(found or {}), "intervals": intervals}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("--rival.intervals.frames", r"rival\.intervals\.frames"),
        ("--rival=isr", "rival: isr; expected a mapping"),
        ("--rival={copies: ", "rival: {copies: : not YAML"),
    ],
)
def test_words_that_are_no_options_of_a_rival_are_refused(word: str, why: str) -> None:
    with pytest.raises(FarviewError, match=why):
        config_of({"method": "i3d"} | (read_recipe("fights", [word]).rival or {}))


@pytest.mark.parametrize(
    "word", ["--teacher.initial=student", "--teacher.initial=teacher", "--student.initial=transfer"]
)
def test_a_phase_that_is_not_trained_before_is_no_start(word: str) -> None:
    key, _, value = word.removeprefix("--").partition("=")
    with pytest.raises(FarviewError, match=f"{key}: {value}: is not trained before it; name a file"):
        read_recipe("mime", [word])
    assert read_recipe("mime", ["--student.initial=teacher"]).student.initial == "teacher"
