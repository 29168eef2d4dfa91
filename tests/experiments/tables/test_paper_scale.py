"""Every row of Tables I to IV starts at the paper's scale: one optimisation step on real clips, both backbones."""

from pathlib import Path

import pytest
import torch

from farview.experiments.tables.catalogue import TABLES
from farview.experiments.tables.cells import Request
from farview.experiments.tables.table import table
from farview.models.model_file import load_model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "column"), [(number, c) for number in ("1", "2", "3", "4") for c in TABLES[number].columns]
)
def test_one_step_of_every_row(number: str, column: str, data_root: Path, tmp_path: Path) -> None:
    keys = {
        "data.lists": str(data_root / "splits" / "ucf101"),
        "data.available_only": "true",
        "data.val_share": "0",
        "machine": "{accelerator: cpu, workers: 0, decoders: 2}",
        "store": str(tmp_path / "store"),
    }
    for phase in ("teacher", "student", "transfer"):
        keys |= {f"{phase}.epochs": "1", f"{phase}.warmup": "0", f"{phase}.keep": "last"}
    request = Request(
        data=f"ucf101:{data_root / 'clips' / 'ucf101'}",
        scale="paper",
        columns=(column,),
        pool=f"kinetics:{data_root / 'clips' / 'kinetics'}",
        out=str(tmp_path / "table"),
        overrides=tuple(f"--{key}={value}" for key, value in keys.items()),
    )
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
