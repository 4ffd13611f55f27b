"""Learning categories of texts online, beside methods that are refitted: ``python -m benchmarks.text FILE.csv[.gz]``.

Prequential: the texts come in the order of the file (``--shuffle``: in another one), the label of a text comes 500
texts later, and only a share of the texts gets one. Figures are over the last 80 % of the texts:

* macro-F1 of the most probable category, and of the largest p / frequency^0.5;
* accuracy, log loss, and the calibration error of the most probable category in 15 bins;
* CPU time a text, scoring and learning together.

The references are refitted every 500 texts on all labels that arrived: multinomial naive Bayes on the words, TF-IDF of
words or characters with logistic regression. ``--label stars:rating`` makes moods of stars. For example, with the
columns of two public sets::

    python -m benchmarks.text reviews.csv.gz --text title,text --label stars:rating
    python -m benchmarks.text banking77.csv.gz --text text --label category --shuffle 7 --share 0.1
"""

import argparse
import csv
import gzip
import math
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.texts.classifier import TextClassifier
from stream.texts.mood import mood_classifier, mood_of_score
from stream.texts.replay_sample import Hashed

DELAY = 500
STARS = "stars:"
_MIN_SHARE = 1e-12

Floats = npt.NDArray[np.float64]
Probabilities = list[dict[str, float]]


class Texts(NamedTuple):
    """Texts in the order in which they come, their labels, and whether each label becomes known."""

    texts: list[str]
    labels: list[str]
    is_told: list[bool]

    def told(self, before: int) -> list[int]:
        """The texts whose label has arrived before text ``before``."""
        return [k for k in range(max(before - DELAY, 0)) if self.is_told[k]]


def read(path: Path, text: str, label: str, share: float, shuffle: int | None) -> Texts:
    """The texts of a CSV file that have a label."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if shuffle is not None:
        rows = [rows[k] for k in np.random.default_rng(shuffle).permutation(len(rows))]
    column = label.removeprefix(STARS)
    rows = [row for row in rows if row[column]]
    texts = [" ".join(row[name] for name in text.split(",")).strip() for row in rows]
    labels = [mood_of_score("stars", float(row[column])) if label.startswith(STARS) else row[column] for row in rows]
    is_told = np.random.default_rng(1).random(len(rows)) < share
    return Texts(texts, labels, is_told.tolist())


def online(data: Texts, model: TextClassifier) -> Probabilities:
    """One pass. A text is hashed when it comes; the hashes are kept until its label arrives."""
    found: Probabilities = []
    waiting: deque[Hashed] = deque()
    for k, text in enumerate(data.texts):
        waiting.append(model.hashed(text))
        found.append({str(label): p for label, p in model.predict_proba_one(waiting[-1]).items()})
        if (arrived := k - DELAY) >= 0:
            hashed = waiting.popleft()
            if data.is_told[arrived]:
                model.learn_one(hashed, data.labels[arrived])
    return found


def refitted(data: Texts, make: Callable[[], object]) -> Probabilities:
    """A pipeline of scikit-learn, fitted anew every `DELAY` texts."""
    found: Probabilities = []
    for first in range(0, len(data.texts), DELAY):
        block = data.texts[first : first + DELAY]
        known = data.told(first)
        if len({data.labels[k] for k in known}) < 2:  # noqa: PLR2004 - nothing to choose from
            found += [{}] * len(block)
            continue
        model = make()
        model.fit([data.texts[k] for k in known], [data.labels[k] for k in known])  # type: ignore[attr-defined]
        p = model.predict_proba(block)  # type: ignore[attr-defined]
        found += [dict(zip(model.classes_, row, strict=True)) for row in p.tolist()]  # type: ignore[attr-defined]
    return found


def references() -> Iterator[tuple[str, Callable[[], object]]]:
    """Name, and how to make a pipeline."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # type: ignore[import-untyped]  # noqa: PLC0415 - only when asked for
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: PLC0415
    from sklearn.naive_bayes import MultinomialNB  # type: ignore[import-untyped]  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # noqa: PLC0415

    def logistic() -> LogisticRegression:
        return LogisticRegression(C=10.0, max_iter=300)

    yield "naive Bayes, words 1-2", lambda: make_pipeline(CountVectorizer(ngram_range=(1, 2)), MultinomialNB(alpha=0.1))
    yield (
        "TF-IDF words 1-2, logistic regression",
        lambda: make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), logistic()),
    )
    yield (
        "TF-IDF characters 2-5, logistic regression",
        lambda: make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2), logistic()
        ),
    )


class Figures(NamedTuple):
    """What is printed of a method."""

    macro_f1: float
    macro_f1_by_frequency: float
    accuracy: float
    log_loss: float
    ece: float


def figures(data: Texts, found: Probabilities) -> Figures:
    """Of the last 80 % of the texts."""
    first = len(data.texts) // 5
    counts: dict[str, int] = {}
    for k in data.told(first):
        counts[data.labels[k]] = counts.get(data.labels[k], 0) + 1
    best: list[str] = []
    fair: list[str] = []
    confidence: list[float] = []
    loss = 0.0
    for k in range(first, len(data.texts)):
        arrived = k - 1 - DELAY
        if k > first and arrived >= 0 and data.is_told[arrived]:
            counts[data.labels[arrived]] = counts.get(data.labels[arrived], 0) + 1
        p = found[k] or {"": 1.0}
        best.append(max(p, key=p.__getitem__))
        fair.append(max(p, key=lambda label: p[label] / math.sqrt(counts.get(label, 0) or 1)))
        confidence.append(p[best[-1]])
        loss -= math.log(max(p.get(data.labels[k], 0.0), _MIN_SHARE))
    truth = data.labels[first:]
    right = [a == b for a, b in zip(truth, best, strict=True)]
    return Figures(
        macro_f1(truth, best),
        macro_f1(truth, fair),
        sum(right) / len(right),
        loss / len(right),
        calibration_error(np.array(confidence), np.array(right)),
    )


def macro_f1(truth: list[str], given: list[str]) -> float:
    """The mean over the categories of 2 TP / (2 TP + FP + FN)."""
    scores = []
    for label in set(truth):
        both = sum(a == b == label for a, b in zip(truth, given, strict=True))
        scores.append(2 * both / (truth.count(label) + given.count(label)))
    return sum(scores) / len(scores)


def calibration_error(confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """The mean over the texts of the gap between confidence and accuracy of a bin."""
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[bin_of == k].sum() - right[bin_of == k].sum()) for k in range(bins)]
    return float(sum(gaps) / len(confidence))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="CSV with a header, may be compressed by gzip")
    parser.add_argument("--text", default="text", help="columns of the text, joined by a blank")
    parser.add_argument("--label", default="category", help="column of the category; stars:COLUMN for moods")
    parser.add_argument("--share", type=float, default=1.0, help="of the texts whose label becomes known")
    parser.add_argument("--shuffle", type=int, help="seed of another order than that of the file")
    parser.add_argument("--alone", action="store_true", help="without the references, which take minutes")
    options = parser.parse_args()
    data = read(options.file, options.text, options.label, options.share, options.shuffle)
    mood = options.label.startswith(STARS)
    make = mood_classifier if mood else TextClassifier
    for warm in ("a b", "c d"):
        make().learn_one(warm, warm)
        make().predict_proba_one(warm)
    methods: list[tuple[str, Callable[[], Probabilities]]] = [("stream.texts", lambda: online(data, make()))]
    if not options.alone:
        methods += [(name, partial(refitted, data, pipeline)) for name, pipeline in references()]
    # of few examples of many categories
    warnings.filterwarnings("ignore", message="The number of unique classes")
    print(f"{len(data.texts)} texts, {len(set(data.labels))} categories, labels of {sum(data.is_told)}")
    print("| method | macro-F1 | p / frequency^0.5 | accuracy | log loss | ECE | us a text |")
    print("|---|---|---|---|---|---|---|")
    for name, run in methods:
        began = time.process_time()
        found = run()
        took = (time.process_time() - began) / len(data.texts) * 1e6
        print(
            f"| {name} | " + " | ".join(f"{value:.3f}" for value in figures(data, found)) + f" | {took:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
