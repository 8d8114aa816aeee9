#!/usr/bin/python3
"""Write test/tables/iris.csv, wine.csv and diabetes.csv from the data in Debian's python3-sklearn.

Run by hand from the top of the repository; the results are committed. With a folder and names after it,
as in `make_table_fixtures.py /tmp digits breast_cancer`, write those data sets there.
"""

import csv
import sys

from sklearn import datasets

COMMITTED = ["iris", "wine", "diabetes"]


def write(folder, name):
    raw = {"scaled": False} if name == "diabetes" else {}
    data = getattr(datasets, "load_" + name)(**raw)
    names = [str(n) for n in data.feature_names]
    classes = getattr(data, "target_names", None)
    with open(f"{folder}/{name}.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names + ["progression" if classes is None else "class"])
        for x, t in zip(data.data, data.target):
            target = f"{t:g}" if classes is None else classes[t]
            out.writerow([f"{v:.12g}" for v in x] + [target])


for wanted in sys.argv[2:] or COMMITTED:
    write(sys.argv[1] if len(sys.argv) > 1 else "test/tables", wanted)
