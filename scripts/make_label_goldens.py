#!/usr/bin/env python3
"""Writes what cleanlab says about labels, for the test of package check.

    python scripts/make_label_goldens.py        needs scripts/labels-requirements.txt; writes check/testdata/cleanlab.json

The probabilities are drawn here and committed with the answers.
"""

import json
import os

import numpy as np
from cleanlab.count import get_confident_thresholds
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "check", "testdata")


def case(name, sizes, flips, sharpness, rng):
    """Probabilities of a network that is right about most samples, some of which have another label."""
    classes = len(sizes)
    truth = np.repeat(np.arange(classes), sizes)
    logits = rng.normal(0, 1, (len(truth), classes))
    logits[np.arange(len(truth)), truth] += sharpness
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = truth.copy()
    for i in rng.choice(len(truth), flips, replace=False):
        labels[i] = rng.choice([k for k in range(classes) if k != truth[i]])
    issues = find_label_issues(labels, probs, filter_by="low_self_confidence", return_indices_ranked_by="self_confidence", n_jobs=1)
    return {"name": name, "labels": labels.tolist(), "probs": probs.tolist(), "thresholds": get_confident_thresholds(labels, probs).tolist(),
            "quality": get_label_quality_scores(labels, probs, method="self_confidence").tolist(), "issues": issues.tolist()}


def main():
    rng = np.random.default_rng(5)
    cases = [case("two classes", [40, 25], 6, 2.0, rng), case("five classes", [40, 8, 30, 3, 20], 10, 2.5, rng),
             case("no errors", [20, 20, 20], 0, 6.0, rng), case("a poor network", [30, 30, 30], 5, 0.3, rng)]
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "cleanlab.json"), "w") as f:
        f.write(json.dumps(cases).replace("], [", "],\n["))
        f.write("\n")


if __name__ == "__main__":
    main()
