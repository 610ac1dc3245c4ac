"""Values made from botocore's models: valid ones, and ones that break a single demand.

A path leads from a shape to one inside it: a structure's member by its name, ITEM, KEY or VALUE.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.model import Shape
from hypothesis import strategies as st

ITEM, KEY, VALUE = "[]", "{key}", "{value}"
CONTAINERS = ("structure", "list", "map")
INTEGER_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
FLOATS = ("float", "double")

# What a demand is called; the first two of them are not about the value in itself.
REQUIRED, TYPE = "required", "type"
MAX, MIN, PATTERN, ENUM = "max", "min", "pattern", "enum"

# Longer ones than this are left to tests of their own.
LONGEST = 40_000
MOST_ITEMS = 300

# Java's line ends, which its dot does not match; the characters that stand for Java's classes.
LINE_ENDS = "\n\r\x85\u2028\u2029"
JAVA_CLASSES = {
    r"\p{ASCII}": r"\x00-\x7f",
    r"\p{Print}": " -~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{L}": "a-zA-Zé",
    r"\p{Z}": " \u2003",
    r"\p{N}": "0-9²",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}
# To draw from so many characters takes seconds; these stand for them.
WIDE_RANGES = {
    r"\uD800\uDC00-\uDBFF\uDFFF": "\U0001f600",
    r"\uE000-\uFFFD": r"\uFFFD",
    r"-\uD7FF": r"-\u00FF",
    r"[\s\S]": r"[ -~\n]",
    r"[\S\s]": r"[ -~\n]",
}
STRANGE = "\n\r\x00 _-!~é€²\u2003\U0001f600"
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
ANY_CHARACTER = st.characters(blacklist_categories=("Cs",))
MOMENTS = st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, timezone.utc))


@dataclass(frozen=True)
class Demand:
    """One thing that a model demands of a value, and where that is."""

    path: tuple[str, ...]
    kind: str
    shape: Shape

    def __repr__(self) -> str:
        return f"{self.kind} at {'.'.join(self.path)}"


def java_regex(pattern: str) -> re.Pattern:
    """Return a model's pattern as Python has it, right for this module's characters alone."""
    tokens = r"\[(?:\\.|[^\]\\])*\]|\\p\{\w+\}|\\.|\."
    return re.compile(re.sub(tokens, _as_python, pattern), re.ASCII)


def _as_python(token: re.Match) -> str:
    if token[0] in (".", r"\z"):
        return f"[^{LINE_ENDS}]" if token[0] == "." else r"\Z"
    text = token[0]
    for java, python in JAVA_CLASSES.items():
        text = text.replace(java, python)
    return f"[{text}]" if token[0].startswith(r"\p{") else text


def complaints(shape: Shape, value: Any) -> list[tuple[str, Any]]:
    """Return what a value breaks of its shape's demands, in the order in which AWS says it."""
    stated = shape.metadata
    size = value if isinstance(value, (int, float)) else len(value)
    broken = {
        MAX: MAX in stated and size > stated[MAX],
        MIN: MIN in stated and size < stated[MIN],
        PATTERN: PATTERN in stated and not java_regex(stated[PATTERN]).fullmatch(str(value)),
        ENUM: ENUM in stated and value not in stated[ENUM],
    }
    return [(kind, stated[kind]) for kind, is_broken in broken.items() if is_broken]


def demands(shape: Shape, path: tuple[str, ...] = (), around: tuple = ()) -> Iterator[Demand]:
    """Yield all that a model demands of a shape and what is in it; what is recursive, once."""
    if shape.name in around or getattr(shape, "is_document_type", False):
        return
    around += (shape.name,) if shape.type_name == "structure" else ()
    yield from (
        Demand(path, kind, shape)
        for kind in (MAX, MIN, PATTERN, ENUM)
        if kind in shape.metadata and _can_be_broken(shape, kind)
    )
    for name, inner in parts(shape).items():
        if _is_free(shape, name, inner):
            continue
        if name in getattr(shape, "required_members", ()) and not _in_uri(inner):
            yield Demand((*path, name), REQUIRED, inner)
        yield Demand((*path, name), TYPE, inner)
        yield from demands(inner, (*path, name), around)


def parts(shape: Shape) -> dict[str, Shape]:
    """Return the shapes inside a shape, by the part of a path that leads to them."""
    if shape.type_name == "structure":
        return dict(shape.members)
    if shape.type_name == "list":
        return {ITEM: shape.member}
    return {KEY: shape.key, VALUE: shape.value} if shape.type_name == "map" else {}


def _in_uri(shape: Shape) -> bool:
    return shape.serialization.get("location") == "uri"


def _is_free(shape: Shape, name: str, inner: Shape) -> bool:
    """Return whether a member is a payload, of which nothing is demanded."""
    return shape.serialization.get("payload") == name and inner.type_name == "blob"


def _can_be_broken(shape: Shape, kind: str) -> bool:
    limit = shape.metadata[kind]
    if kind == PATTERN:
        return any(not java_regex(limit).fullmatch(odd) for odd in _odd_texts(shape))
    if shape.type_name in (*INTEGER_BITS, *FLOATS):
        return abs(limit) < 2**31 - 1
    if kind == MIN:
        return limit > 0
    return kind == ENUM or limit < (
        LONGEST if shape.type_name in ("string", "blob") else MOST_ITEMS
    )


def values(
    shape: Shape, along: tuple[str, ...] = (), leaf: st.SearchStrategy | None = None, depth: int = 0
) -> st.SearchStrategy:
    """Return a strategy for valid values of a shape.

    along: a path that is in each of them; leaf: what stands at its end instead, None for nothing.
    """
    kind = shape.type_name
    if kind == "structure":
        return _structures(shape, along, leaf, depth)
    if kind == "list":
        return _lists(shape, along, leaf, depth)
    if kind == "map":
        return _maps(shape, along, leaf, depth)
    return scalars(shape)


def _inner(shape: Shape, along: tuple, leaf: st.SearchStrategy | None, depth: int):
    """Return a strategy for what a path's first part leads to."""
    if len(along) == 1 and leaf is not None:
        return leaf
    return values(shape, along[1:], leaf, depth + 1)


def _structures(shape: Shape, along: tuple, leaf, depth: int) -> st.SearchStrategy:
    if shape.is_document_type:
        return st.just({"a": [1]})
    first = along[0] if along else None
    absent = {first} if len(along) == 1 and leaf is None else set()
    forced = {first} - absent - {None}
    if shape.is_tagged_union:
        name = first or sorted(shape.members)[0]
        return st.fixed_dictionaries({name: _inner(shape.members[name], along, leaf, depth)})
    always = {
        name: _inner(member, along if name == first else (), leaf, depth)
        for name, member in shape.members.items()
        if name not in absent
        and (name in shape.required_members or name in forced or _in_uri(member))
    }
    more = {
        name: values(member, depth=depth + 1)
        for name, member in shape.members.items()
        if name not in always
        and name not in absent
        and (depth < 2 or member.type_name not in CONTAINERS)
    }
    some = sorted(more)
    if not some:
        return st.fixed_dictionaries(always)
    # A few of them: what is optional is tried in turn, and a request stays short.
    chosen = st.lists(st.sampled_from(some), max_size=max(1, 3 - depth), unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries(always | {name: more[name] for name in names})
    )


def _lists(shape: Shape, along: tuple, leaf, depth: int) -> st.SearchStrategy:
    least = max(shape.metadata.get(MIN, 0), 1)
    rest = st.lists(
        values(shape.member, depth=depth + 1),
        min_size=least - 1,
        max_size=max(least, min(shape.metadata.get(MAX, 2), 2)) - 1,
    )
    first = _inner(shape.member, along, leaf, depth)
    return st.builds(lambda item, items: [item, *items], first, rest)


def _maps(shape: Shape, along: tuple, leaf, depth: int) -> st.SearchStrategy:
    least = max(shape.metadata.get(MIN, 0), 1)
    key, value = values(shape.key), values(shape.value, depth=depth + 1)
    first_key = _inner(shape.key, along, leaf, depth) if along[:1] == (KEY,) else key
    first_value = _inner(shape.value, along, leaf, depth) if along[:1] == (VALUE,) else value
    rest = st.dictionaries(key, value, min_size=least - 1, max_size=least)
    made = st.builds(
        lambda key, value, rest: {key: value} | rest | {key: value}, first_key, first_value, rest
    )
    return made.filter(lambda found: len(found) >= least)


def scalars(shape: Shape) -> st.SearchStrategy:
    """Return a strategy for valid values of a scalar shape."""
    kind, stated = shape.type_name, shape.metadata
    if kind in INTEGER_BITS:
        bound = 2 ** (INTEGER_BITS[kind] - 1)
        return st.integers(
            max(stated.get(MIN, -bound), -bound), min(stated.get(MAX, bound - 1), bound - 1)
        )
    if kind in FLOATS:
        return st.floats(
            stated.get(MIN), stated.get(MAX), allow_nan=False, allow_infinity=False, width=32
        )
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return MOMENTS
    if kind == "blob":
        return st.binary(min_size=max(1, stated.get(MIN, 0)), max_size=max(8, stated.get(MIN, 0)))
    return _texts(shape)


def _texts(shape: Shape) -> st.SearchStrategy:
    stated = shape.metadata
    if ENUM in stated:
        return st.sampled_from(stated[ENUM])
    least, most = max(stated.get(MIN, 0), 1), stated.get(MAX, LONGEST)
    outside_body = "location" in shape.serialization
    characters = PRINTABLE if outside_body else ANY_CHARACTER
    if PATTERN not in stated:
        made = st.text(characters, min_size=least, max_size=min(most, least + 8))
        # A header loses the spaces around its value.
        return made.filter(lambda text: text == text.strip()) if outside_body else made
    pattern = stated[PATTERN]
    for wide, narrow in WIDE_RANGES.items():
        pattern = pattern.replace(wide, narrow)
    made = st.from_regex(java_regex(pattern), fullmatch=True, alphabet=characters)
    return made.map(lambda text: text + text[-1:] * (least - len(text))).filter(
        lambda text: (
            text and not complaints(shape, text) and (text.strip() == text or not outside_body)
        )
    )


def broken(demand: Demand) -> st.SearchStrategy | None:
    """Return a strategy for values that break a demand, None for a member that is left out."""
    shape, kind = demand.shape, demand.kind
    if kind == REQUIRED:
        return None
    if kind == TYPE:
        return _of_another_type(shape)
    limit = shape.metadata[kind]
    if kind == ENUM:
        return st.sampled_from(["", "None-of-them", shape.metadata[ENUM][0].swapcase() + "X"])
    if kind == PATTERN:
        odd = [text for text in _odd_texts(shape) if PATTERN in dict(complaints(shape, text))]
        return st.sampled_from(odd)
    if shape.type_name in (*INTEGER_BITS, *FLOATS):
        return st.just(limit + 1 if kind == MAX else limit - 1)
    size = limit + 1 if kind == MAX else limit - 1
    return _of_size(shape, size)


def _of_size(shape: Shape, size: int) -> st.SearchStrategy:
    if shape.type_name == "string":
        return scalars(shape).map(lambda text: (text + text[-1:] * size)[:size])
    if shape.type_name == "blob":
        return st.just(bytes(size))
    if shape.type_name == "list":
        return values(shape.member, depth=1).map(lambda item: [item] * size)
    return values(shape.value, depth=2).map(lambda item: {f"k{n}": item for n in range(size)})


def _odd_texts(shape: Shape) -> list[str]:
    """Return texts of a legal length, one of which most patterns refuse."""
    least = max(shape.metadata.get(MIN, 0), 1)
    outside_body = "location" in shape.serialization
    alphabet = [odd for odd in STRANGE if not outside_body or odd in "_-!~"]
    return ["a" * (least - 1) + odd for odd in alphabet] + [f"_a{odd * least}a" for odd in alphabet]


def _of_another_type(shape: Shape) -> st.SearchStrategy:
    """Return a strategy for what JSON can hold, but not for a value of this shape."""
    others: list[Any] = [] if shape.type_name == "list" else [["a"]]
    if shape.type_name not in ("structure", "map"):
        others.append({"a": "b"})
    if shape.type_name in CONTAINERS:
        others += ["text", 1, True]
    if shape.type_name in (*INTEGER_BITS, *FLOATS):
        others += ["text", True, ""]
    if shape.type_name == "string":
        others += [1, 1.5, True]
    if shape.type_name == "boolean":
        others += ["text", 1]
    return st.sampled_from(others)
