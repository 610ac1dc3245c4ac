"""Write train.csv and test.csv from the phrases in this folder.

    python data/intents/generate.py            writes both files
    python data/intents/generate.py --check    says whether the files are what it would write

A template becomes an utterance in three steps: its {slots} are filled from the vocabulary, then
it is decorated (a greeting, a "please", a closing), then it gets the noise that people's typing
has. The same code makes both sides; their templates and vocabularies have nothing in common.
"""

import argparse
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random

FOLDER = Path(__file__).parent
SEED = 27
# People ask where their parcel is more often than they ask about a warranty.
TRAIN_ROWS = {
    "track_order": 255,
    "return_item": 250,
    "cancel_order": 245,
    "place_order": 245,
    "damaged_item": 235,
    "track_refund": 230,
    "change_order": 230,
    "reset_password": 230,
    "payment_methods": 230,
    "wrong_item": 230,
    "payment_failed": 230,
    "product_availability": 225,
    "delivery_time": 225,
    "create_account": 225,
    "international_shipping": 225,
    "discount_code": 220,
    "change_address": 220,
    "missing_item": 220,
    "shipping_cost": 220,
    "gift_card": 220,
    "speak_to_agent": 215,
    "get_invoice": 210,
    "warranty": 210,
    "double_charge": 205,
    "opening_hours": 200,
    "loyalty_points": 200,
    "delete_account": 195,
}
TEST_ROWS = 40
# From these shares on, two texts count as near-duplicates.
SHARED_WORDS_LIMIT = 0.5
SHARED_GRAMS_LIMIT = 0.5
ATTEMPTS_PER_ROW = 60

ARTICLE_AND_SLOT = re.compile(r"(\ba )?\{(\w+)\}", re.IGNORECASE)
WORD = re.compile(r"[a-z0-9]+")
LONG_WORD = re.compile(r"[A-Za-z]{4,}")
KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SHORTHAND = {"you": "u", "your": "ur", "are": "r", "please": "pls", "because": "cuz"}


@dataclass(frozen=True)
class Side:
    """One side's phrases: templates by intent, and values by slot."""

    templates: dict[str, list[str]]
    vocabulary: dict[str, list[str]]


class Known:
    """Texts that no later text may come close to."""

    def __init__(self, texts: Iterable[str]) -> None:
        texts = list(texts)
        self.indexes = (
            (SHARED_WORDS_LIMIT, words, postings(map(words, texts))),
            (SHARED_GRAMS_LIMIT, grams, postings(map(grams, texts))),
        )

    def has_close_to(self, text: str) -> bool:
        """Return whether a known text shares too many of its words or letters with this one."""
        return any(
            nearest_share(features(text), index) >= limit for limit, features, index in self.indexes
        )


def main() -> None:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description="Write train.csv and test.csv from the phrases.")
    parser.add_argument("--check", action="store_true", help="write nothing; compare the files")
    check = parser.parse_args().check
    for path, content in generated_files().items():
        if not check:
            path.write_text(content, encoding="utf-8", newline="")
        elif not path.exists() or path.read_text(encoding="utf-8") != content:
            raise SystemExit(f"{path.name} is not what its phrases make: run {Path(__file__).name}")


def generated_files() -> dict[Path, str]:
    """Return the content of each file."""
    train, test = read_side("train"), read_side("test")
    test_rows = rows_of(test, dict.fromkeys(TRAIN_ROWS, TEST_ROWS), Known([]))
    # The test side stays as it was written: training does without what comes close to it.
    test_templates = Known(template for many in test.templates.values() for template in many)
    apart = {
        intent: [template for template in many if not test_templates.has_close_to(template)]
        for intent, many in train.templates.items()
    }
    known = Known(text for text, _ in test_rows)
    train_rows = rows_of(Side(apart, train.vocabulary), TRAIN_ROWS, known)
    return {FOLDER / "train.csv": as_csv(train_rows), FOLDER / "test.csv": as_csv(test_rows)}


def read_side(side: str) -> Side:
    """Return the phrases of `train` or `test`."""
    folder = FOLDER / "phrases" / side
    templates = {
        intent: (folder / f"{intent}.txt").read_text(encoding="utf-8").splitlines()
        for intent in TRAIN_ROWS
    }
    return Side(templates, json.loads((folder / "vocabulary.json").read_text(encoding="utf-8")))


def rows_of(side: Side, wanted: dict[str, int], known: Known) -> list[tuple[str, str]]:
    """Return shuffled (text, intent) pairs, all distinct and none close to a known text."""
    rows: list[tuple[str, str]] = []
    taken: set[str] = set()
    for intent, n_rows in wanted.items():
        # A generator of its own: a phrase more for one intent does not draw all others anew.
        random = Random(f"{SEED} {intent}")
        texts = utterances(side, intent, n_rows, random, known, taken)
        rows += [(text, intent) for text in texts]
    Random(SEED).shuffle(rows)
    return rows


def utterances(
    side: Side, intent: str, n_rows: int, random: Random, known: Known, taken: set[str]
) -> list[str]:
    """Return an intent's utterances, each template used as often as the others where possible."""
    templates = list(side.templates[intent])
    random.shuffle(templates)
    texts: list[str] = []
    for template in islice(cycle(templates), ATTEMPTS_PER_ROW * n_rows):
        text = utterance(template, side.vocabulary, random)
        if plain(text) not in taken and not known.has_close_to(text):
            taken.add(plain(text))
            texts.append(text)
        if len(texts) == n_rows:
            return texts
    raise SystemExit(f"{intent}: {len(texts)} utterances, needs {n_rows}. Write more templates.")


def utterance(template: str, vocabulary: dict[str, list[str]], random: Random) -> str:
    """Return a template filled, decorated and typed."""
    text = decorated(filled(template, vocabulary, random), vocabulary, random)
    return typed(text, random)


def filled(template: str, vocabulary: dict[str, list[str]], random: Random) -> str:
    """Return the template with a value in each slot; a slot named twice gets two values.

    "a" becomes "an" where the value asks for it.
    """
    used: list[str] = []

    def value(found: re.Match[str]) -> str:
        article, slot = found.groups(default="")
        used.append(random.choice([v for v in vocabulary[slot] if v not in used]))
        if article and used[-1][0] in "aeio":
            article = f"{article[0]}n "
        return article + used[-1]

    return ARTICLE_AND_SLOT.sub(value, template)


def decorated(text: str, vocabulary: dict[str, list[str]], random: Random) -> str:
    """Return the text, often with an opener, sometimes with a "please" or a closing sentence."""
    if random.random() < 0.3:
        slot = random.choice(["greeting", "greeting", "slang_opener"])
        text = f"{bare(random.choice(vocabulary[slot]))}, {with_small_start(text)}"
    if random.random() < 0.1 and "please" not in text.lower():
        end = text[-1] if text[-1] in ".?!" else ""
        text = f"{bare(text)}, {bare(random.choice(vocabulary['please']))}{end}"
    if random.random() < 0.15:
        stop = "" if text[-1] in ".?!" else "."
        closing = filled(random.choice(vocabulary["closing"]), vocabulary, random)
        text = f"{text}{stop} {closing}"
    return text


def bare(text: str) -> str:
    """Return the text without the punctuation at its end."""
    return text.rstrip(" ,.?!")


def with_small_start(text: str) -> str:
    """Return the text to go on in the middle of a sentence: "I" and "VAT" keep their capitals."""
    return text if re.match(r"I\b|[A-Z][A-Z]", text) else text[0].lower() + text[1:]


def typed(text: str, random: Random) -> str:
    """Return the text as somebody in a hurry types it: case, punctuation, shorthand, typos."""
    if random.random() < 0.08:
        text = re.sub(r"[A-Za-z]+", lambda word: SHORTHAND.get(word[0].lower(), word[0]), text)
    if random.random() < 0.2:
        text = text.replace("'", "")
    if random.random() < 0.1:
        text = text.replace(",", "")
    if random.random() < 0.25:
        text = bare(text)
    elif random.random() < 0.07:
        text += random.choice(["!", "!!", "??", "...", " :("])
    for _ in range(random.choice([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])):
        text = with_typo(text, random)
    case = random.random()
    return text.lower() if case < 0.3 else text.upper() if case < 0.33 else text


def with_typo(text: str, random: Random) -> str:
    """Return the text with one slip of a finger in one of its longer words."""
    long_words = list(LONG_WORD.finditer(text))
    if not long_words:
        return text
    word = random.choice(long_words)
    # The first letter stays: people notice when that is wrong.
    at = random.randrange(word.start() + 1, word.end() - 1)
    letter, following = text[at], text[at + 1]
    slip = random.choice(
        [following + letter, letter + letter + following, following, neighbour(letter) + following]
    )
    return text[:at] + slip + text[at + 2 :]


def neighbour(letter: str) -> str:
    """Return a letter beside this one on the keyboard."""
    row = next(row for row in KEY_ROWS if letter.lower() in row)
    at = row.index(letter.lower())
    return row[at + 1] if at + 1 < len(row) else row[at - 1]


def plain(text: str) -> str:
    """Return the words alone: "Hi, where's it?" gives "hi wheres it"."""
    return " ".join(WORD.findall(text.lower().replace("'", "")))


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(plain(text).split())


def grams(text: str) -> set[str]:
    """Return every run of four characters of the plain text."""
    padded = f" {plain(text)} "
    return {padded[at : at + 4] for at in range(len(padded) - 3)}


def postings(feature_sets: Iterable[set[str]]) -> tuple[dict[str, list[int]], list[int]]:
    """Return which texts have each feature, and how many features each text has."""
    index: dict[str, list[int]] = {}
    sizes: list[int] = []
    for number, features in enumerate(feature_sets):
        sizes.append(len(features))
        for feature in features:
            index.setdefault(feature, []).append(number)
    return index, sizes


def nearest_share(features: set[str], known: tuple[dict[str, list[int]], list[int]]) -> float:
    """Return the largest share of features in common, of all features of both, with a known text.

    Source: the Jaccard index.
    """
    index, sizes = known
    shared = Counter(number for feature in features for number in index.get(feature, ()))
    return max(
        (n / (len(features) + sizes[number] - n) for number, n in shared.items()), default=0.0
    )


def as_csv(rows: list[tuple[str, str]]) -> str:
    """Return the rows as CSV with a header."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["text", "intent"])
    writer.writerows(rows)
    return file.getvalue()


if __name__ == "__main__":
    main()
