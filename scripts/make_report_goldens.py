#!/usr/bin/env python3
"""Writes the expected values of package report's tests, with torchvision, matplotlib, scikit-learn and SciPy.

    python scripts/make_report_goldens.py        needs scripts/goldens-requirements.txt; writes report/testdata

The inputs are drawn here and committed with the outputs.
"""

import json
import os

import numpy as np
import torch
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib import get_data_path
from matplotlib import image as mpimg
from scipy import stats
from sklearn import metrics
from torchvision.utils import make_grid

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "report", "testdata")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def grid(name, n, h, w, rng):
    """A batch of n images, and the picture that the notebook's imshow shows of its grid."""
    pixels = torch.from_numpy(rng.integers(0, 256, (n, 3, h, w), dtype=np.uint8))
    images = pixels.to(torch.float32).div(255)
    mean, std = torch.tensor(MEAN, dtype=torch.float32), torch.tensor(STD, dtype=torch.float32)
    batch = images.sub(mean[:, None, None]).div(std[:, None, None])
    if n > 1:
        batch[0, :, 0, 0], batch[0, :, 0, 1] = -9, 9  # values that clip cuts off
    picture = make_grid(batch).numpy().transpose((1, 2, 0))
    picture = np.clip(STD * picture + MEAN, 0, 1)
    batch.numpy().astype("<f4").tofile(os.path.join(OUT, f"grid-{name}.f32"))
    mpimg.imsave(os.path.join(OUT, f"grid-{name}.png"), picture)
    return {"name": name, "shape": list(batch.shape)}


def ece(labels, probs, bins):
    """Expected calibration error: |accuracy - confidence| over equal-width bins (low, high], weighted."""
    predicted, confidence = probs.argmax(1), probs.max(1)
    edges, total, rows = np.linspace(0, 1, bins + 1), 0.0, []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        k = int(inside.sum())
        rows.append({"n": k})
        if k:
            acc, conf = float((predicted == labels)[inside].mean()), float(confidence[inside].mean())
            rows[-1].update(accuracy=acc, confidence=conf)
            total += k / len(labels) * abs(acc - conf)
    return total, rows


def classification(n, classes, rng, absent=()):
    """Random predictions, better than chance; the absent classes are never predicted."""
    labels = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    logits[:, list(absent)] = -30
    logits = logits.astype(np.float32)
    probs = torch.softmax(torch.from_numpy(logits).double(), 1).numpy()
    predicted, every = probs.argmax(1), list(range(classes))
    p, r, f, support = metrics.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    error, bins = ece(labels, probs, 10)
    return {
        "labels": labels.tolist(), "logits": logits.ravel().tolist(), "classes": classes,
        "confusion": metrics.confusion_matrix(labels, predicted, labels=every).tolist(),
        "precision": p.tolist(), "recall": r.tolist(), "f1": f.tolist(), "support": [int(n) for n in support],
        "macro": list(metrics.precision_recall_fscore_support(labels, predicted, labels=every, average="macro", zero_division=0)[:3]),
        "weighted": list(metrics.precision_recall_fscore_support(labels, predicted, labels=every, average="weighted", zero_division=0)[:3]),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": float(np.mean(r[np.array(support) > 0])),
        "log_loss": metrics.log_loss(labels, probs, labels=every),
        "ece": error, "bins": bins,
    }


def temperature(labels, logits):
    """Guo et al.'s temperature: L-BFGS over the mean cross entropy of logits / T."""
    labels, logits = torch.from_numpy(labels), torch.from_numpy(logits).double()
    inverse = torch.ones((), dtype=torch.float64, requires_grad=True)
    lbfgs = torch.optim.LBFGS([inverse], max_iter=1000, tolerance_grad=1e-15, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def loss():
        lbfgs.zero_grad()
        value = torch.nn.functional.cross_entropy(logits * inverse, labels)
        value.backward()
        return value

    lbfgs.step(loss)
    return 1 / inverse.item()


def calibrated(n, classes, scale, rng):
    """Predictions that are too sure or not sure enough: temperature, error before and after, and precision by threshold."""
    labels = rng.integers(0, classes, n)
    logits = (scale * (rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels])).astype(np.float32)
    t = temperature(labels, logits)
    probs = torch.softmax(torch.from_numpy(logits).double(), 1).numpy()
    after = torch.softmax(torch.from_numpy(logits).double() / t, 1).numpy()
    precision, _, thresholds = metrics.precision_recall_curve(probs.argmax(1) == labels, probs.max(1))
    coverage = [float((probs.max(1) >= threshold).mean()) for threshold in thresholds]
    return {
        "labels": labels.tolist(), "logits": logits.ravel().tolist(), "classes": classes, "temperature": t,
        "before": ece(labels, probs, 10)[0], "after": ece(labels, after, 10)[0],
        "thresholds": thresholds.tolist(), "precision": precision[:-1].tolist(), "coverage": coverage,
    }


def intervals():
    wilson = []
    for k, n in [(0, 1), (1, 1), (144, 153), (146, 153), (153, 153), (76, 153), (3, 7), (0, 50)]:
        ci = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        wilson.append({"k": k, "n": n, "low": ci.low, "high": ci.high})
    mcnemar = []
    for b, c in [(0, 0), (1, 0), (5, 1), (3, 9), (20, 20), (0, 8)]:
        mcnemar.append({"b": b, "c": c, "p": stats.binomtest(b, b + c, 0.5).pvalue if b + c else 1.0})
    return {"wilson": wilson, "mcnemar": mcnemar}


def newcombe():
    """Newcombe 1998, method 10: the difference of two proportions from their Wilson intervals."""
    rows = []
    for k1, n1, k2, n2 in [(144, 153, 146, 153), (100, 153, 146, 153), (1, 1, 0, 1), (153, 153, 153, 153)]:
        a, b = (stats.binomtest(k, n).proportion_ci(0.95, "wilson") for k, n in ((k1, n1), (k2, n2)))
        p, q = k1 / n1, k2 / n2
        low = p - q - np.hypot(p - a.low, b.high - q)
        high = p - q + np.hypot(a.high - p, q - b.low)
        rows.append({"k1": k1, "n1": n1, "k2": k2, "n2": n2, "low": low, "high": high})
    return rows


def armenian():
    """A font with a few Armenian letters, which Go's own lacks: DejaVu Sans, as matplotlib has it, but for these."""
    font = TTFont(os.path.join(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), recalcTimestamp=False)
    small = Subsetter(Options(drop_tables=["FFTM"], layout_features=[], name_IDs=[0, 13, 14], hinting=False, glyph_names=False))
    small.populate(text="\u0544\u0565\u0572\u0578\u0582")
    small.subset(font)
    os.makedirs(os.path.join(OUT, "fonts"), exist_ok=True)
    font.save(os.path.join(OUT, "fonts", "armenian.ttf"))


def main():
    os.makedirs(OUT, exist_ok=True)
    armenian()
    rng = np.random.default_rng(6)
    grids = [grid("ten", 10, 5, 7, rng), grid("three", 3, 6, 6, rng), grid("one", 1, 6, 5, rng)]
    sets = [classification(60, 2, rng), classification(90, 5, rng, absent=[3]), classification(1, 3, rng)]
    temperatures = [calibrated(80, 2, 3, rng), calibrated(60, 4, 0.4, rng), calibrated(120, 3, 1, rng)]
    with open(os.path.join(OUT, "goldens.json"), "w") as f:
        json.dump({"grids": grids, "sets": sets, **intervals(), "newcombe": newcombe(), "temperatures": temperatures}, f)
        f.write("\n")


if __name__ == "__main__":
    main()
