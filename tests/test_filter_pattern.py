"""Filter patterns: the examples are those of the CloudWatch Logs User Guide, or like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.errors import InvalidParameterException, UnknownOperation
from maze_helpers.local_cloud.services.logs.filter_pattern import FilterPattern

LINES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 500] INTERNAL SERVER ERROR",
    "[INFO] REQUEST FAILED",
]
EVENT = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "size": 2.5,
    "arrayKey": ["value", "another value"], "objectList": [{"name": "a", "id": 1},
    {"name": "b", "id": 2}], "SomeObject": null, "ok": true, "bad": false,
    "user.name": "dotted", "code": "500"}"""


def matching(pattern: str) -> list[int]:
    """Return the numbers of the lines that match."""
    return [i for i, line in enumerate(LINES) if FilterPattern(pattern).matches(line)]


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 3]),
        ("error", []),
        ("ERROR ARGUMENTS", [2]),
        ("?BAD ?ARGUMENTS", [0, 2]),
        ("?ERROR ?ARGUMENTS REQUEST", [0, 1, 4]),
        ('"INTERNAL SERVER ERROR"', [3]),
        ('"SERVER INTERNAL"', []),
        ('"[ERROR 40"', [0, 1]),
        ("ERROR -ARGUMENTS", [0, 1, 3]),
        ('-"BAD REQUEST" -ARGUMENTS', [1, 3, 4]),
        ("-?", [0, 1, 2, 3, 4]),
        ("%40[01]%", [0, 1]),
        ("%^\\[INFO%", [4]),
    ],
)
def test_terms_and_expressions_match_as_documented(pattern, lines):
    assert matching(pattern) == lines


def test_quotes_inside_a_term_are_escaped():
    assert FilterPattern(r'"say \"hi\""').matches('they say "hi" again')


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{$.eventType=UpdateTrail}",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        '{ $.eventType = "Update*" }',
        '{ $.arrayKey[0] = "value" }',
        '{ $.arrayKey[*] = "another value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].name = b }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ok IS TRUE }",
        "{ $.bad is false }",
        "{ $.size > 2 && $.size <= 2.5 }",
        "{ $.size = 2.5e0 }",
        "{ ($.size < 1) || ($.ok IS TRUE) }",
        "{ $.size < 1 && $.ok IS TRUE || $.eventType = U* }",
        "{ $.eventType = %^Up% }",
        "{ $['user.name'] = dotted }",
        '{ $.code = "500" }',
        "{ $.* = 2.5 }",
    ],
)
def test_conditions_on_json_are_met(pattern):
    assert FilterPattern(pattern).matches(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "updateTrail" }',
        "{ $.nothing = 1 }",
        "{ $.nothing != 1 }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.eventType IS TRUE }",
        "{ $.arrayKey[7] = x }",
        "{ $.size.deeper = 1 }",
        "{ $.eventType > 3 }",
        "{ $.ok = 1 }",
        "{ $.size < 1 && ($.ok IS TRUE || $.eventType = U*) }",
        "{ $.eventType = Update? }",
    ],
)
def test_conditions_on_json_are_not_met(pattern):
    assert not FilterPattern(pattern).matches(EVENT)


@pytest.mark.parametrize("message", ["no json", '"text"', "[" * 10_000, "{", ""])
def test_a_message_that_is_no_json_object_never_meets_conditions(message):
    assert not FilterPattern("{ $.a NOT EXISTS }").matches(message)


@pytest.mark.parametrize(
    "pattern",
    [
        '"open',
        "{ $.a = 1",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1 && }",
        "{ ($.a = 1 }",
        "{ $.a = 1 $.b = 2 }",
        "{ a = 1 }",
        '{ $.a > "text" }',
        "{ $.a = %[% }",
        "%[%",
        "{ $.a = ( }",
    ],
)
def test_a_pattern_that_is_not_well_formed_is_refused(pattern):
    with pytest.raises(InvalidParameterException):
        FilterPattern(pattern)


def test_space_delimited_patterns_are_refused_by_name():
    with pytest.raises(UnknownOperation, match="space-delimited"):
        FilterPattern("[ip, user, ..., size > 1000]")


def test_an_expression_that_backtracks_without_end_does_not_hang():
    assert not FilterPattern("%^(a|a)*$%").matches("a" * 60 + "!")


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_pattern_or_refused(pattern, message):
    try:
        FilterPattern(pattern).matches(message)
    except (InvalidParameterException, UnknownOperation) as error:
        assert error.message


@given(st.text(st.characters(blacklist_characters='"\\'), min_size=1), st.text())
def test_a_quoted_term_is_found_where_it_is(term, rest):
    assert FilterPattern(f'"{term}"').matches(rest + term + rest)
