"""Train a scikit-learn model that reads handwritten digits, and register it.

    python examples/train.py --regularise 0.01
    lockgate promote digits:1 --to staging
    lockgate promote digits:1

The model is written as plain arrays, not as a pickle: reading a pickle runs whatever code is in
it, reading arrays does not. The SHA-256 of the file goes into the version's metadata, so that
`service.py` can tell whether these are its bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

import lockgate


def train(regularise: float) -> tuple[LogisticRegression, dict[str, float]]:
    """Return a model, and how it did on images it has not seen."""
    images, digits = load_digits(return_X_y=True)
    seen, unseen, answers, expected = train_test_split(
        images / 16, digits, test_size=0.4, random_state=7
    )
    model = LogisticRegression(C=regularise, max_iter=500).fit(seen, answers)
    guesses = model.predict(unseen)
    return model, {
        "accuracy": float(accuracy_score(expected, guesses)),
        "f1": float(f1_score(expected, guesses, average="macro")),
    }


def as_bytes(model: LogisticRegression) -> bytes:
    """Return the model as an .npz file: three arrays."""
    file = io.BytesIO()
    np.savez(file, coef=model.coef_, intercept=model.intercept_, classes=model.classes_)
    return file.getvalue()


def main() -> None:
    """Train, write, register."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", help="the registry; LOCKGATE_URL unless told")
    parser.add_argument("--name", default="digits")
    parser.add_argument("--regularise", type=float, default=1.0, help="smaller is stronger")
    parser.add_argument("--folder", type=Path, default=Path("models"))
    options = parser.parse_args()

    model, metrics = train(options.regularise)
    content = as_bytes(model)
    digest = hashlib.sha256(content).hexdigest()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"{options.name}-{digest[:12]}.npz"
    path.write_bytes(content)

    with lockgate.connect(options.url) as registry:
        version = registry.register_model(
            options.name,
            artifact_uri=path.resolve().as_uri(),
            metrics=metrics,
            params={"regularise": options.regularise, "kind": "LogisticRegression"},
            metadata={"sha256": digest},
            dataset="sklearn:load_digits",
        )
    print(f"{version.reference} is registered, with accuracy {metrics['accuracy']:.4f}")


if __name__ == "__main__":
    main()
