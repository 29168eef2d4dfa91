"""What the background alone tells: a baseline for recordings whose sessions hold few classes each.

    python benchmarks/background.py array:/data/grid-eye.npz

Each clip becomes one picture, the median of its frames over time, in which whatever moves is gone; a logistic
regression on its pixels (standardised, scikit-learn's defaults) is trained and tested as `farview train` divides the
clips, each group left out in turn. A recogniser of actions has to be better than this.
"""

import argparse
from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from farview.data.config import DataConfig
from farview.data.datasets import open_data


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="array:FILE with groups")
    options = parser.parse_args()
    config = DataConfig(options.data)
    groups = sorted({str(clip.group) for clip in open_data(config).clips})
    figures = []
    for number, group in enumerate(groups, 1):
        data = open_data(replace(config, split=str(number)))
        pictures, labels = {}, {}
        for part in ("train", "test"):
            clips = data.part(part)  # type: ignore[arg-type]
            pictures[part] = []
            for clip in clips:
                with clip.source.open() as reader:
                    frames = reader.read(range(len(reader)))
                pictures[part].append(np.median(frames, axis=0).ravel() / 255)
            labels[part] = [clip.label for clip in clips]
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        model.fit(pictures["train"], labels["train"])
        prec1 = 100 * float(np.mean(model.predict(pictures["test"]) == labels["test"]))
        figures.append(prec1)
        print(f"group {group} left out: prec@1 {prec1:5.1f} of {len(labels['test'])} clips")
    print(f"mean {np.mean(figures):.1f}, standard deviation over groups {np.std(figures, ddof=1):.1f}")


if __name__ == "__main__":
    main()
