"""AssociativeImputer against scikit-learn's imputers on a folder of tables.

Run: python benchmarks/imputation.py FOLDER [accuracy] [categories] [downstream] [large] [--tables iris wine]
     [--cache FILE] [--no-trees]

FOLDER holds CSV files, one table each, the last column a class; columns of text are categories. Entries are taken away
at random, or by quantile: half of those above a quantile of their column. Numbers are standardised; errors are root
mean squares over what was taken away. Times are CPU seconds of one process. What the other imputers reach does not
change: with --cache it is measured once.
"""

import argparse
import json
import pathlib
import time
import warnings

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits
from timing import say

from skamem import AssociativeImputer

CASES = [(how, rate) for rate in (0.1, 0.3) for how in ("random", "quantile")]


def peers(trees):
    """The other imputers, by name."""
    found = {f"KNN {k} {w}": KNNImputer(n_neighbors=k, weights=w) for k in (5, 10, 20) for w in ("uniform", "distance")}
    found["ridge"] = IterativeImputer(random_state=0)
    if trees:
        forest = ExtraTreesRegressor(30, random_state=0, min_samples_leaf=2)
        found["trees"] = IterativeImputer(forest, max_iter=5, random_state=0)
    return found


def read(path):
    frame = pd.read_csv(path)
    return frame.drop(columns="class"), frame["class"].astype(str)


def standardised_numbers(X):
    """The numbers of a table: complete rows, columns that vary, standardised."""
    X = X.select_dtypes("number").dropna().to_numpy(float)
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def taken_away(X, how, rate, seed=77):
    """Mask of entries: at random, or half of those above a quantile of their column."""
    rng = np.random.default_rng(seed)
    if how == "random":
        gone = rng.random(X.shape) < rate
    else:
        ties = 1e-9 * rng.standard_normal(X.shape)
        rank = np.argsort(np.argsort(X + ties, axis=0), axis=0) / len(X)
        gone = (rank >= 1 - 2 * rate) & (rng.random(X.shape) < 0.5)
    gone[0, gone.all(axis=0)] = False
    return gone


def error(found, X, gone):
    return float(np.sqrt(np.mean((found - X)[gone] ** 2)))


class Cache:
    """Figures of other imputers, kept in a file."""

    def __init__(self, path):
        self.path = None if path is None else pathlib.Path(path)
        self.figures = json.loads(self.path.read_text()) if self.path is not None and self.path.exists() else {}

    def get(self, key, measure):
        if key not in self.figures:
            self.figures[key] = measure()
            if self.path is not None:
                self.path.write_text(json.dumps(self.figures))
        return self.figures[key]


def measured(imputer, X, gone):
    """Error and CPU seconds."""
    holes = np.where(gone, np.nan, X)
    start = time.process_time()
    found = imputer.fit_transform(holes)
    return [error(found, X, gone), time.process_time() - start]


def accuracy(options):
    rows = {}
    cache = Cache(options.cache)
    for path in options.paths:
        X = standardised_numbers(read(path)[0])
        if X.shape[1] < 2:
            continue
        for how, rate in CASES:
            gone = taken_away(X, how, rate)
            figures = {"ours": measured(AssociativeImputer(), X, gone)}
            for name, imputer in peers(options.trees).items():
                key = f"{path.stem} {how} {rate} {name}"
                figures[name] = cache.get(key, lambda imputer=imputer, X=X, gone=gone: measured(imputer, X, gone))
            best = min((name for name in figures if name.startswith("KNN")), key=lambda name: figures[name][0])
            row = {name: figures[name] for name in figures if not name.startswith("KNN")}
            row |= {"KNN": figures["KNN 5 uniform"], "KNN best": figures[best]}
            rows[f"{path.stem} {X.shape[0]} x {X.shape[1]}, {rate:.0%} {how}"] = row
            say(
                f"{path.stem:16} {rate:.0%} {how:9}"
                + "".join(f"  {n} {e:.3f} ({s:.1f} s)" for n, (e, s) in row.items())
            )
    errors = pd.DataFrame({case: {name: e for name, (e, _) in row.items()} for case, row in rows.items()}).T
    seconds = pd.DataFrame({case: {name: s for name, (_, s) in row.items()} for case, row in rows.items()}).T
    for field in ("KNN", "KNN best"):
        ratio = errors["ours"] / errors[[field, "ridge"]].min(axis=1)
        over = ratio[ratio > 1.02]
        say(
            f"error beside the better of {field} and ridge: {np.exp(np.log(ratio).mean()):.3f}; above 1.02: {len(over)}"
        )
        say("".join(f"   {case}: {value:.3f}\n" for case, value in over.items()).rstrip() or "   none", not len(over))
    field = [name for name in ("ours", "KNN", "ridge", "trees") if name in errors]
    ranks = errors[field].rank(axis=1).mean()
    say("mean rank: " + ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.items()), ranks.idxmin() == "ours")
    if options.trees:
        share = seconds["trees"].sum() / seconds["ours"].sum()
        say(
            f"CPU time of trees / ours: {share:.0f} in all, {(seconds['trees'] / seconds['ours']).median():.0f} median",
            share >= 15,
        )


def categories(options, seeds=range(77, 82)):
    """Share of categories that are right, beside the most frequent one and neighbours on codes."""
    for path in options.paths:
        X = read(path)[0]
        text = X.columns[X.dtypes.map(lambda dtype: not pd.api.types.is_numeric_dtype(dtype))]
        X = X.dropna()
        if not len(text):
            continue
        for rate in (0.1, 0.3):
            right = pd.DataFrame([categories_right(X, list(text), rate, seed) for seed in seeds])
            better = right["ours"] - right[["most frequent", "KNN"]].max(axis=1)
            shares = ", ".join(f"{name} {share:.3f}" for name, share in right.mean().items())
            say(
                f"categories of {path.stem}, {rate:.0%}, {len(seeds)} draws of gaps: {shares}; "
                f"above the better one by {better.mean():.3f} +- {better.std() / np.sqrt(len(seeds)):.3f}",
                right["ours"].mean() > right[["most frequent", "KNN"]].mean().max(),
            )


def categories_right(X, text, rate, seed):
    """Shares of right categories by imputer."""
    gone = np.random.default_rng(seed).random(X.shape) < rate
    holes = X.mask(gone)
    ours = AssociativeImputer().set_output(transform="pandas").fit_transform(holes)
    frequent = SimpleImputer(strategy="most_frequent").set_output(transform="pandas").fit_transform(holes)
    codes = make_column_transformer(
        (OrdinalEncoder(encoded_missing_value=np.nan), text), remainder=StandardScaler()
    ).fit(holes)
    near = KNNImputer().fit_transform(codes.transform(holes))[:, : len(text)]
    levels = codes.named_transformers_["ordinalencoder"].categories_
    names = [np.asarray(some)[np.rint(near[:, j]).astype(int)] for j, some in enumerate(levels)]
    where = gone[:, X.columns.get_indexer(text)]
    found = {
        "ours": ours[text],
        "most frequent": frequent[text],
        "KNN": pd.DataFrame(dict(zip(text, names, strict=True))),
    }
    return {
        name: float((table.astype(str).to_numpy() == X[text].astype(str).to_numpy())[where].mean())
        for name, table in found.items()
    }


def downstream(options):
    """Accuracy of classifiers after imputation of 30 %, five-fold."""
    folds = StratifiedKFold(5, shuffle=True, random_state=99)
    rows = {}
    for path in options.paths:
        X, y = read(path)
        X = X.select_dtypes("number")
        if X.shape[1] < 2:
            continue
        X = X.mask(taken_away(X.to_numpy(float), "random", 0.3)).to_numpy(float)
        row = {}
        for name, imputer in {
            "ours": AssociativeImputer(),
            "mean": SimpleImputer(),
            "KNN": KNNImputer(),
            "ridge": IterativeImputer(random_state=0),
        }.items():
            linear = make_pipeline(StandardScaler(), imputer, LogisticRegression(max_iter=2000))
            row[f"logistic, {name}"] = cross_val_score(linear, X, y, cv=folds).mean()
            boosted = make_pipeline(imputer, HistGradientBoostingClassifier(random_state=0))
            row[f"boosting, {name}"] = cross_val_score(boosted, X, y, cv=folds).mean()
        row["boosting, gaps as they are"] = cross_val_score(
            HistGradientBoostingClassifier(random_state=0), X, y, cv=folds
        ).mean()
        rows[path.stem] = row
        say(f"{path.stem:16}" + "".join(f"  {name} {value:.3f}" for name, value in row.items()))
    rows = pd.DataFrame(rows)
    for name, values in rows.iterrows():
        less = values - rows.loc[name.split(",")[0] + ", ours"]
        say(f"mean accuracy, {name}: {values.mean():.4f}, beside ours {less.mean():+.4f} +- {less.sem():.4f}")


def large(options):
    rng = np.random.default_rng(0)
    for n_rows in (100_000, 1_000_000) if options.million else (100_000,):
        X = np.tanh(rng.standard_normal((n_rows, 6))) @ rng.standard_normal((6, 20))
        X += 0.3 * rng.standard_normal(X.shape)
        X /= X.std(axis=0)
        for rate in (0.1, 0.3):
            gone = taken_away(X, "random", rate)
            wrong, seconds = measured(AssociativeImputer(), X, gone)
            say(f"{n_rows} x 20, {rate:.0%}: {seconds:.1f} s, error {wrong:.3f}", n_rows > 100_000 or seconds < 20)


TASKS = {"accuracy": accuracy, "categories": categories, "downstream": downstream, "large": large}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], default=[])
    parser.add_argument("--tables", nargs="+", help="names of some of the tables")
    parser.add_argument("--cache", help="JSON file that keeps the figures of the other imputers")
    parser.add_argument("--no-trees", dest="trees", action="store_false", help="leave out the slowest")
    parser.add_argument("--million", action="store_true", help="a million rows, too")
    options = parser.parse_args()
    options.paths = sorted(options.folder.glob("*.csv"), key=lambda path: path.stat().st_size)
    options.paths = [path for path in options.paths if not options.tables or path.stem in options.tables]
    warnings.filterwarnings("ignore", module="sklearn")
    with threadpool_limits(1):
        for name in options.tasks or TASKS:
            TASKS[name](options)


if __name__ == "__main__":
    main()
