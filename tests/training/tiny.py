"""A tiny recipe on a tiny data set for tests: moving bars as a folder of arrays; seconds of training."""

from pathlib import Path

import numpy as np

from farview.training.recipe import Recipe, read_recipe

CLASSES = ("left", "right")


def make_clips(folder: Path, each: int = 6, height: int = 24, width: int = 32) -> None:
    """`each` clips of a bar that moves left or right, as images in class folders, five frames or more each."""
    import cv2

    rng = np.random.default_rng(0)
    for label in CLASSES:
        for number in range(each):
            clip = folder / label / f"clip{number:02d}"
            clip.mkdir(parents=True)
            start, length = rng.integers(0, 8), 5 + number
            for t in range(length):
                frame = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
                x = (start + 4 * t if label == "right" else 31 - start - 4 * t) % width
                frame[4:20, max(0, x - 2) : x + 3] = 230
                cv2.imwrite(str(clip / f"{t:03d}.png"), frame)


def tiny_recipe(tmp_path: Path, *overrides: str) -> Recipe:
    """T-Net, S-Net and CSTAT of width 4 on `make_clips`."""
    if not (tmp_path / "clips").exists():
        make_clips(tmp_path / "clips")
    settings = {
        "data.source": f"folder:{tmp_path / 'clips'}",
        "input.size": "[24, 32]",
        "input.sensor.height": "6",
        "input.sensor.width": "8",
        "input.intervals.count": "3",
        "network.backbone": "resnet18",
        "network.width": "4",
        "network.stem": "small",
        "augment.flip": "false",
        "loss.threshold": "0.3",
        "machine.accelerator": "cpu",
        "machine.decoders": "1",
        "machine.threads": "1",
        "out": str(tmp_path / "run"),
        "store": str(tmp_path / "store"),
    }
    for phase in ("teacher", "student", "transfer"):
        settings |= {
            f"{phase}.epochs": "3",
            f"{phase}.batch": "4",
            f"{phase}.optimizer": "adamw",
            f"{phase}.warmup": "1",
        }
    settings["transfer.initial"] = "student"
    arguments = [word for key, value in settings.items() for word in (f"--{key}", value)]
    return read_recipe(None, [*arguments, *overrides])
