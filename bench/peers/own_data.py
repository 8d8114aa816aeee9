"""own_data.py - five-fold cross-validation of scikit-learn's MLPClassifier or MLPRegressor with its
defaults, on standardised inputs; what `train --folds 5` is compared with.

  own_data.py write FOLDER        the five data sets as FOLDER/NAME.csv; prints their names
  own_data.py run FILE.csv SEED   prints the mean accuracy, or R2, of the folds
"""

import sys
import warnings

NAMES = ["iris", "wine", "breast_cancer", "digits", "diabetes"]


def write(folder):
    from sklearn import datasets

    for name in NAMES:
        data = getattr(datasets, "load_" + name)()
        with open(f"{folder}/{name}.csv", "w") as file:
            columns = [str(c).replace(" ", "_").replace(",", "") for c in data.feature_names]
            print(",".join(columns + ["target"]), file=file)
            for x, t in zip(data.data, data.target):
                print(",".join(f"{v:.12g}" for v in [*x, t]), file=file)
        print(name)


def run(path, seed):
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    warnings.filterwarnings("ignore")  # that 200 iterations are too few
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    x, t = table[:, :-1], table[:, -1]
    if len(np.unique(t)) <= 20:
        folds, net = StratifiedKFold, MLPClassifier(random_state=seed)
    else:
        folds, net = KFold, MLPRegressor(random_state=seed)
    scores = cross_val_score(
        make_pipeline(StandardScaler(), net),
        x,
        t,
        cv=folds(5, shuffle=True, random_state=seed),
    )
    print(f"{scores.mean():.4f}")


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    run(sys.argv[2], int(sys.argv[3]))
