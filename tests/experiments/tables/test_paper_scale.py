"""Every row of Tables I to V starts at the paper's scale: one optimisation step on real clips, both backbones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request
from farview.experiments.tables.table import table
from farview.models.model_file import load_model


def request_of(data_root: Path, folder: Path, column: str, **keys: str) -> Request:
    """One epoch, which is one step, on the few real clips."""
    keys = {
        "data.lists": str(data_root / "splits" / "ucf101"),
        "data.available_only": "true",
        "data.val_share": "0",
        "machine": "{accelerator: cpu, workers: 0, decoders: 2}",
        "store": str(folder / "store"),
        **keys,
    }
    for phase in ("teacher", "student", "transfer"):
        keys |= {f"{phase}.epochs": "1", f"{phase}.warmup": "0", f"{phase}.keep": "last"}
    return Request(
        data=f"ucf101:{data_root / 'clips' / 'ucf101'}",
        scale="paper",
        columns=(column,),
        pool=f"kinetics:{data_root / 'clips' / 'kinetics'}",
        out=str(folder / "table"),
        overrides=tuple(f"--{key}={value}" for key, value in keys.items()),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "column"), [(number, c) for number in ("1", "2", "3", "4") for c in TABLES[number].columns]
)
def test_one_step_of_every_row(number: str, column: str, data_root: Path, tmp_path: Path) -> None:
    request = request_of(data_root, tmp_path, column)
    if number != "4":  # no other of these has a row that learns from unlabeled clips
        request = replace(request, pool=None)
    results = table(number, request, quiet=True)
    assert [row["row"] for row in results["rows"]] == [row.name for row in TABLES[number].rows]
    seen = set()
    for row in results["rows"]:
        network, contract = load_model(Path(row["cells"][0]["folder"]) / "model.safetensors")
        assert contract.input_size == (256, 340) and contract.network.width == 64
        weights = network.state_dict()
        assert all(torch.isfinite(value).all() for value in weights.values() if value.is_floating_point())
        seen.add(float(sum(value.double().abs().sum() for value in weights.values())))
    assert len(seen) == len(results["rows"])  # every row took a step of its own


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("row", [row.name for row in TABLES["5"].rows])
def test_every_row_of_table_5_starts(row: str, data_root: Path, tmp_path: Path) -> None:
    """Each network's step takes 5 GB a clip, hence one clip at once; TV-L1 would take a second a frame."""
    keys = {f"{phase}.micro_batch": "1" for phase in ("teacher", "student", "transfer")}
    if row not in ("PoT", "ISR"):  # whose flow is always that
        keys["input.flow.kind"] = "dis"
    request = request_of(data_root, tmp_path, "r2plus1d34", **keys)
    pool = request.pool if row.startswith("CSTAT") else None
    (found,) = table("5", replace(request, rows=(row,), pool=pool), quiet=True)["rows"]
    (cell,) = found["cells"]
    assert found["multiply_adds"] > 0 and found["seconds_a_clip"] > 0
    for key, channels in (("folder", 3), ("flow_folder", 2)) if cell["flow_folder"] else ():
        network, contract = load_model(Path(cell[key]) / "model.safetensors")
        assert (contract.channels, contract.input_size, contract.network.width) == (channels, (256, 340), 64)
        assert all(torch.isfinite(p).all() for p in network.parameters())
