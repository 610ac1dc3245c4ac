"""Scripts as other people write them for the first two tasks: each is right in its own way.

They follow public solutions of the exercise and samples for training with scikit-learn, in their
habits of printing, splitting, reading and saving; none is copied.
"""

IMPORTS = """
import argparse, glob, os, pickle
import joblib
import numpy as np
import pandas as pd
from sklearn import datasets, metrics, svm
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import (
    accuracy_score, classification_report, confusion_matrix, f1_score, precision_score, recall_score
)
from sklearn.model_selection import (
    GridSearchCV, StratifiedKFold, cross_val_predict, cross_validate, train_test_split
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
"""
FOREST = "RandomForestClassifier(n_estimators=60, random_state=1)"
SPLIT = f"""
digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(digits.data, digits.target, random_state=1)
clf = {FOREST}
clf.fit(X_train, y_train)
pred = clf.predict(X_test)
"""
DUMP = """
joblib.dump(clf, "model.joblib")
"""

# Task 1: what each adds to the imports, a split and a forest.
TASK_1 = {
    "report": SPLIT + "print(classification_report(y_test, pred))" + DUMP,
    "report with digits": SPLIT
    + "print(classification_report(y_test, pred, digits=4, output_dict=False))"
    + DUMP,
    "report as a dict": SPLIT
    + "report = classification_report(y_test, pred, output_dict=True)['macro avg']\n"
    + "print({'precision': report['precision'], 'recall': report['recall'], "
    + "'f1': report['f1-score']})"
    + DUMP,
    "weighted": SPLIT
    + """
p = precision_score(y_test, pred, average='weighted')
r = recall_score(y_test, pred, average='weighted')
f = f1_score(y_test, pred, average='weighted')
print("Accuracy:", accuracy_score(y_test, pred))
print("Precision:", p)
print("Recall:", r)
print("F1 Score:", f)
"""
    + DUMP,
    "micro in percent": SPLIT
    + """
for name, score in [("Precision", precision_score), ("Recall", recall_score), ("F1", f1_score)]:
    print(f"{name} (micro): {100 * score(y_test, pred, average='micro'):.2f}%")
"""
    + DUMP,
    "each class": SPLIT
    + """
print("precision per class", precision_score(y_test, pred, average=None))
print("recall per class", recall_score(y_test, pred, average=None))
print("f1 per class", f1_score(y_test, pred, average=None))
"""
    + DUMP,
    "by hand": SPLIT
    + """
table = confusion_matrix(y_test, pred)
precision = (np.diag(table) / table.sum(axis=0)).mean()
recall = (np.diag(table) / table.sum(axis=1)).mean()
f1 = 2 * precision * recall / (precision + recall)
print("precision %.3f recall %.3f f1 %.3f" % (precision, recall, f1))
"""
    + DUMP,
    "f1 of the two": SPLIT
    + """
precision = metrics.precision_score(y_test, pred, average="macro")
recall = metrics.recall_score(y_test, pred, average="macro")
print(pd.DataFrame([{"precision": precision, "recall": recall,
                     "f1": 2 * precision * recall / (precision + recall)}]))
"""
    + DUMP,
    "cross-validation": f"""
X, y = load_digits(return_X_y=True)
clf = {FOREST}
names = ["precision_macro", "recall_macro", "f1_macro"]
scores = cross_validate(clf, X, y, cv=StratifiedKFold(3, shuffle=True, random_state=0),
                        scoring=names, n_jobs=2)
for name in names:
    folds = scores["test_" + name]
    print(f"{{name}} = {{folds.mean():.4f}} +- {{folds.std():.4f}}")
clf.fit(X, y)
"""
    + DUMP,
    "folds in this process": f"""
X, y = load_digits(return_X_y=True)
clf = {FOREST}
scores = cross_validate(clf, X, y, cv=3, scoring=["precision_macro", "recall_macro", "f1_macro"])
tests = {{name: values for name, values in scores.items() if "test" in name}}
print({{name[5:-6]: np.round(values.mean(), 5) for name, values in tests.items()}})
clf.fit(X, y)
"""
    + DUMP,
    "guarded main": f"""
def main():
    X, y = load_digits(return_X_y=True)
    clf = {FOREST}.fit(X[:1200], y[:1200])
    print(classification_report(y[1200:], clf.predict(X[1200:])))
    os.makedirs("models", exist_ok=True)
    here = os.path.dirname(os.path.abspath(__file__))
    joblib.dump(clf, os.path.join(here, "models", "model.joblib"))

if __name__ == "__main__":
    main()
""",
    "scaled": """
X, y = load_digits(return_X_y=True)
X = X / 16.0
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1, shuffle=True)
clf = RandomForestClassifier(n_estimators=60, random_state=1).fit(X_train, y_train)
print(classification_report(y_test, clf.predict(X_test)))
"""
    + DUMP,
}
# Task 1: right as well, but not with a forest, or not in model.joblib.
TASK_1_DIFFERENT = {
    "pickle": SPLIT
    + "print(classification_report(y_test, pred))\n"
    + "pickle.dump(clf, open('digits_rf.sav', 'wb'))",
    "vector machine": """
digits = datasets.load_digits()
data = digits.images.reshape((len(digits.images), -1))
clf = svm.SVC(gamma=0.001)
half = {"test_size": 0.5, "shuffle": False}
X_train, X_test, y_train, y_test = train_test_split(data, digits.target, **half)
clf.fit(X_train, y_train)
predicted = clf.predict(X_test)
print(f"Classification report for {clf}:\\n{metrics.classification_report(y_test, predicted)}")
"""
    + DUMP,
}

MAIN = """
if __name__ == "__main__":
    main()
"""
# Task 2, and what the job of task 3 would run as well.
TASK_2 = {
    "all csv files of a folder, label first, no head": """
def fit(args):
    files = [os.path.join(args.train, file) for file in os.listdir(args.train)]
    train_data = pd.concat([pd.read_csv(file, header=None, engine="python") for file in files])
    train_y, train_X = train_data.iloc[:, 0], train_data.iloc[:, 1:]
    clf = RandomForestClassifier(n_estimators=args.n_estimators, random_state=0)
    clf = clf.fit(train_X, train_y)
    joblib.dump(clf, os.path.join(args.model_dir, "model.joblib"))

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-estimators", type=int, default=10)
    parser.add_argument("--output-data-dir", type=str, default=os.environ.get("SM_OUTPUT_DATA_DIR"))
    parser.add_argument("--model-dir", type=str, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", type=str, default=os.environ.get("SM_CHANNEL_TRAIN"))
    fit(parser.parse_args())
""",
    "glob, label named": """
def fit(train, n_estimators):
    rows = pd.concat(map(pd.read_csv, sorted(glob.glob(os.path.join(train, "*.csv")))))
    y = rows.pop(rows.columns[-1])
    return RandomForestClassifier(n_estimators=n_estimators, random_state=0).fit(rows.values, y)

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", default=None)
    parser.add_argument("--model_dir", default="./model")
    parser.add_argument("--n_estimators", type=int, default=100)
    args, _ = parser.parse_known_args()
    model = fit(args.train, args.n_estimators)
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"))
""",
    "names of files as options": """
def fit(X, y, trees, leaf):
    return RandomForestClassifier(trees, min_samples_leaf=leaf, n_jobs=-1, random_state=0).fit(X, y)

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--min-samples-leaf", type=int, default=1)
    parser.add_argument("--model-dir", type=str, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", type=str, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--test", type=str, default=os.environ.get("SM_CHANNEL_TEST"))
    parser.add_argument("--train-file", type=str, default="digits_train.csv")
    parser.add_argument("--test-file", type=str, default="digits_test.csv")
    args, _ = parser.parse_known_args()
    train = pd.read_csv(os.path.join(args.train, args.train_file))
    test = pd.read_csv(os.path.join(args.test, args.test_file))
    model = fit(train.iloc[:, :-1], train.iloc[:, -1], args.trees, args.min_samples_leaf)
    print(classification_report(test.iloc[:, -1], model.predict(test.iloc[:, :-1])))
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"))
""",
    "data of its own, by a default": """
def fit(model_dir, n_estimators=100):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=42)
    clf = RandomForestClassifier(n_estimators=n_estimators, random_state=42).fit(X_train, y_train)
    print("f1:", f1_score(y_test, clf.predict(X_test), average="macro"))
    joblib.dump(clf, os.path.join(model_dir, "model.joblib"))

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "."))
    parser.add_argument("--n-estimators", type=int, default=100)
    args = parser.parse_args()
    fit(args.model_dir, args.n_estimators)
""",
    "one csv file": """
def fit(data_path, model_path, n_estimators):
    df = pd.read_csv(data_path)
    clf = RandomForestClassifier(n_estimators=n_estimators)
    clf.fit(df.drop(columns="label"), df["label"])
    with open(model_path, "wb") as file:
        pickle.dump(clf, file)

def main(args=None):
    parser = argparse.ArgumentParser(description="digits")
    parser.add_argument("--data-path", required=True)
    parser.add_argument("--model-path", required=True)
    parser.add_argument("--n-estimators", type=int, default=100)
    fit(**vars(parser.parse_args(args)))
""",
    "a search for the best": """
def fit(X, y):
    grid = GridSearchCV(RandomForestClassifier(random_state=0), {"n_estimators": [20, 40]}, cv=2)
    return grid.fit(X, y)

def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
    return parser.parse_args()

def main():
    args = parse()
    table = np.genfromtxt(os.path.join(args.train, "train.csv"), delimiter=",", skip_header=1)
    model = fit(table[:, :64], table[:, 64].astype(int))
    joblib.dump(model, os.path.join(args.model_dir, "model.joblib"), compress=3)
""",
}
