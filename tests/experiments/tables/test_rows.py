"""What the rows say, against the paper's own description of them."""

from dataclasses import replace

import pytest

from farview.errors import FarviewError
from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Cell, Request, Scale, cell_recipe
from farview.experiments.tables.rows import CHEAPER, Row, choose
from farview.frames.flow import FlowConfig
from farview.training.phases import check_inputs


@pytest.mark.parametrize(
    ("data", "scale"), [("folder:clips", "paper"), ("folder:clips", "small"), ("msr-action3d:clips", "small")]
)
@pytest.mark.parametrize("number", TABLES)
def test_every_row_is_a_recipe_whose_weights_are_shares(
    number: str, data: str, scale: Scale, tmp_path
) -> None:
    request = Request(data=data, scale=scale, pool="folder:pool", out=str(tmp_path))
    for row in TABLES[number].rows:
        for column in TABLES[number].columns:
            recipe = cell_recipe(request, row, column, "1", 3)
            check_inputs(recipe)  # every network can see its input
            loss = recipe.loss
            if number != "beyond":
                assert loss.ce + loss.sat + loss.tat == pytest.approx(1)
                assert recipe.transfer.initial == "student"
                assert bool(loss.kd) == (row.name == "pyramid, KD, ResNet")  # which the paper has not
                assert not recipe.augment.fresh_noise and not recipe.augment.fresh_elr
            assert sum(loss.sat_inner) == pytest.approx(1) and sum(loss.tat_inner) == pytest.approx(1)
            assert recipe.network.backbone.startswith(row.recipe or column)
            assert (recipe.data.pool == "folder:pool") == (row.pool is not False)
            assert (recipe.seed, recipe.data.split) == (3, "1")


def test_what_a_recipe_adds_to_the_method_reaches_no_row_of_the_paper(tmp_path) -> None:
    added = tmp_path / "added.yaml"
    added.write_text(
        "data: {source: mime}\nloss: {kd: 1, dkd: 1, dist: 1, feature: 1, centred: true, sat_inner: [1, 0, 0, 0]}\n"
        "augment: {fresh_noise: true, fresh_elr: true}\ntransfer: {initial: teacher}\n"
    )
    plain, request = (Request(data="mime", out=str(tmp_path), recipe=each) for each in ("mime", str(added)))
    for row in TABLES["4"].rows:
        found, expected = (cell_recipe(each, row, "resnet", "1", 0) for each in (request, plain))
        assert found.loss == expected.loss and found.transfer.initial == "student"
        assert not found.augment.fresh_noise and not found.augment.fresh_elr


def test_the_paper_scale_is_the_papers_setting(tmp_path) -> None:
    request = Request(data="ucf101:/data", scale="paper", out=str(tmp_path))
    table = TABLES["4"]
    cstat = next(row for row in table.rows if row.name == "CSTAT")
    light, heavy = (cell_recipe(request, cstat, column, "2", 0) for column in table.columns)
    assert (light.network.backbone, heavy.network.backbone) == ("resnet34", "r2plus1d18")
    for recipe in (light, heavy):
        assert recipe.input.size == (256, 340) and recipe.network.width == 64
        assert (recipe.transfer.epochs, recipe.transfer.batch, recipe.transfer.lr) == (50, 256, 0.001)
        assert recipe.loss.confidence == "mlp"
    assert (light.input.intervals.count, light.input.intervals.frames) == (8, 1)
    assert (heavy.input.intervals.count, heavy.input.intervals.frames) == (4, 5)


@pytest.mark.parametrize("row", TABLES["5"].rows[-2:], ids=lambda row: row.name)
def test_table_5_sees_32_frames_and_their_flow(row: Row, tmp_path) -> None:
    request = Request(data="hmdb51:/data", scale="paper", out=str(tmp_path))
    cell = Cell(row, "r2plus1d34", "1", 0, cell_recipe(request, row, "r2plus1d34", "1", 0))
    assert cell.flow is not None and cell.flow.flow is None
    for recipe, motion in ((cell.recipe, None), (cell.flow.recipe, FlowConfig("tvl1"))):
        assert recipe.input.motion == motion
        assert recipe.input.intervals.count * recipe.input.intervals.frames == 32
        assert (recipe.network.backbone, recipe.network.width) == ("r2plus1d34", 64)
    assert cell.flow.recipe.out != cell.recipe.out and cell.flow.recipe.shared == cell.recipe.shared
    assert replace(cell.flow.recipe, input=cell.recipe.input, out=cell.recipe.out) == cell.recipe


def test_unlabeled_clips_reach_cstat_alone(tmp_path) -> None:
    request = Request(data="mime", pool="folder:pool", out=str(tmp_path))
    for row in TABLES["5"].rows:
        pool = cell_recipe(request, row, "r2plus1d34", "1", 0).data.pool
        assert pool == ("folder:pool" if row.name.startswith("CSTAT") else None), row.name
    without = cell_recipe(replace(request, pool=None), TABLES["5"].rows[-1], "r2plus1d34", "1", 0)
    assert without.data.pool is None


def test_the_users_keys_make_table_5s_networks_smaller(tmp_path) -> None:
    overrides = ("--network.width=4", "--network.backbone=resnet18")
    request = Request(data="mime", out=str(tmp_path), overrides=overrides)
    recipe = cell_recipe(request, TABLES["5"].rows[2], "r2plus1d34", "1", 0)
    assert (recipe.network.width, recipe.network.backbone) == (4, "r2plus1d34")


def test_table_2_changes_the_sensor_alone(tmp_path) -> None:
    rows = TABLES["2"].rows
    request = Request(data="mime", out=str(tmp_path))
    sensors = [cell_recipe(request, row, "resnet", "1", 0).input.sensor for row in rows]
    assert [(s.height, s.width) for s in sensors[::2]] == [(6, 8), (12, 16), (18, 24), (24, 32)]
    assert sensors[::2] == sensors[1::2]
    assert [row.phase for row in rows] == ["student", "transfer"] * 4
    gains = [
        after.paper["resnet"][0] - before.paper["resnet"][0]
        for before, after in zip(rows[::2], rows[1::2], strict=True)
    ]
    assert gains == pytest.approx([4.18, 3.06, 1.98, 1.22])  # the paper's text, Sec. IV-F


@pytest.mark.parametrize("method", ["KD", "pyramid, KD"])
def test_cheaper_rows_are_kd_with_another_s_net(tmp_path, method: str) -> None:
    request = Request(data="mime", out=str(tmp_path))
    rows = {row.name: row for row in TABLES["beyond"].rows}
    full = cell_recipe(request, rows[method], "resnet", "1", 0)
    for name in CHEAPER:
        row = rows[f"{method}, {name}"]
        assert row.full == method
        recipe = cell_recipe(request, row, "resnet", "1", 0)
        network, size = recipe.network_of("student"), recipe.input_size("student")
        assert network.width == full.network.width / (2 if "half width" in name else 1)
        assert network.stem == ("tiny" if "tiny stem" in name else full.network.stem)
        assert size == ((12, 16) if "native" in name else full.input.size)
        assert recipe.network == full.network and recipe.input_size("teacher") == full.input.size
        assert (recipe.loss, recipe.transfer, recipe.student) == (full.loss, full.transfer, full.student)


def test_the_users_keys_reach_every_cell_but_not_what_a_row_is(tmp_path) -> None:
    overrides = ("--teacher.epochs=7", "--loss.confidence=gradient")
    request = Request(data="mime", out=str(tmp_path), overrides=overrides)
    recipe = cell_recipe(request, TABLES["4"].rows[5], "resnet", "1", 0)
    assert recipe.teacher.epochs == 7 and recipe.loss.confidence == "mlp"


def test_rows_are_chosen_by_name() -> None:
    assert [row.name for row in choose(TABLES["4"], ["cstat", "Student"])] == ["Student", "CSTAT"]
    with pytest.raises(FarviewError, match="table 1 has no row 'SAT'; it has '1/7-4/7-2/7, even'"):
        choose(TABLES["1"], ["SAT"])
