"""The evaluation of policies, against the rules in IAM's guide and plain models of them."""

import fnmatch
import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.local_cloud.iam_policies.context import Context, PolicyRequest
from maze_helpers.local_cloud.iam_policies.documents import BadPolicy, read_policy
from maze_helpers.local_cloud.iam_policies.evaluation import (
    BOUNDARY,
    IDENTITY,
    SESSION,
    PolicySet,
    evaluate,
)
from maze_helpers.local_cloud.iam_policies.matching import matches, matches_arn, pieces

ARN = "arn:aws:s3:::bucket/key"
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sagemaker:CreateModel"]
RESOURCES = ["arn:aws:s3:::a", "arn:aws:s3:::a/k", "arn:aws:s3:::b/k", "*"]


def statement(effect="Allow", **elements) -> dict:
    actions = {} if "NotAction" in elements else {"Action": "s3:*"}
    resources = {} if "NotResource" in elements else {"Resource": "*"}
    return {"Effect": effect, **actions, **resources, **elements}


def document(*statements, version="2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def decide(*statements, action="s3:GetObject", resource=ARN, **keys):
    request = PolicyRequest(action, resource, Context(keys))
    return evaluate([PolicySet(IDENTITY, [read_policy(document(*statements))])], request)


def allows(*statements, **request) -> bool:
    return decide(*statements, **request).allowed


def when(operator: str, key: str, values, **elements) -> dict:
    return statement(Condition={operator: {key: values}}, **elements)


statements = st.builds(
    lambda effect, action, not_action, resource, not_resource: {
        "Effect": effect,
        "NotAction" if not_action else "Action": action,
        "NotResource" if not_resource else "Resource": resource,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.lists(st.sampled_from([*ACTIONS, "s3:*", "*", "S3:get*", "s3:?utObject"]), min_size=1),
    st.booleans(),
    st.lists(st.sampled_from([*RESOURCES, "arn:aws:s3:::a/*", "arn:*"]), min_size=1),
    st.booleans(),
)
requests = st.builds(PolicyRequest, st.sampled_from(ACTIONS), st.sampled_from(RESOURCES))


def effect(request: PolicyRequest, documents: list[dict]) -> bool:
    return evaluate([PolicySet(IDENTITY, [read_policy(document(*documents))])], request).allowed


LAWS = []


def law(*drawn):
    """Return a decorator of a law: a few examples are drawn at each run, many in slow tests."""

    def checked(check):
        drawing = given(*drawn)
        LAWS.append(settings(max_examples=400)(drawing(check)))
        return settings(max_examples=20)(drawing(check))

    return checked


class TestLaws:
    @law(requests)
    def test_nothing_is_allowed_by_default(self, request):
        assert not effect(request, [])

    @law(requests, st.lists(statements))
    def test_a_deny_beats_every_allow(self, request, others):
        deny = {"Effect": "Deny", "Action": request.action, "Resource": "*"}
        assert not effect(request, [*others, deny])

    @law(requests, st.lists(statements), statements)
    def test_one_more_allow_takes_nothing_away(self, request, others, more):
        assert not effect(request, others) or effect(request, [*others, more | {"Effect": "Allow"}])

    @law(requests, st.lists(statements), statements)
    def test_one_more_deny_gives_nothing(self, request, others, more):
        assert effect(request, others) or not effect(request, [*others, more | {"Effect": "Deny"}])

    @law(requests, st.lists(statements, max_size=4), st.randoms(use_true_random=False))
    def test_the_order_does_not_matter(self, request, given_statements, random):
        shuffled = random.sample(given_statements, len(given_statements))
        assert effect(request, given_statements) == effect(request, shuffled)

    @law(requests, st.lists(statements, max_size=4))
    def test_several_policies_are_as_one_with_all_their_statements(self, request, parts):
        policies = [read_policy(document(part)) for part in parts]
        together = evaluate([PolicySet(IDENTITY, policies)], request).allowed
        assert together == effect(request, parts)

    @law(requests, st.lists(statements, max_size=3), st.lists(statements, max_size=3))
    def test_sets_allow_what_each_of_them_allows(self, request, one, other):
        sets = [PolicySet(IDENTITY, [read_policy(document(*part))]) for part in (one, other)]
        both = effect(request, one) and effect(request, other)
        assert evaluate(sets, request).allowed == both

    @law(requests, statements)
    def test_not_action_means_all_other_actions(self, request, one):
        allow = {"Effect": "Allow", "Resource": "*"}
        actions = one.get("Action", one.get("NotAction"))
        named = effect(request, [allow | {"Action": actions}])
        assert effect(request, [allow | {"NotAction": actions}]) is not named


@pytest.mark.slow
@pytest.mark.parametrize("check", LAWS, ids=lambda check: check.__name__)
def test_a_law_holds_for_many_examples(check):
    check(TestLaws())


texts = st.text(alphabet="ab.[\n*?", max_size=6)


def glob(pattern: str, text: str) -> bool:
    """The oracle: try every way, letter by letter."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(glob(rest, text[skipped:]) for skipped in range(len(text) + 1))
    return bool(text) and head in ("?", text[0]) and glob(rest, text[1:])


@settings(max_examples=50)
@given(texts, texts)
def test_wildcards_match_as_letter_by_letter(pattern, text):
    assert matches(pieces(pattern), text) == glob(pattern, text)


@settings(max_examples=50)
@given(st.text(alphabet="ab:*", max_size=5), st.text(alphabet="ab:", max_size=4))
def test_an_arns_last_field_is_one_whatever_is_in_it(pattern, name):
    head = "arn:aws:logs:us-east-1:1:"
    assert matches_arn(pieces(head + pattern), head + name) == glob(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*", True),
        ("arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:::buck?t/k*y", True),
        ("arn:*:s3:*:*:*", True),
        ("arn:aws:s3", True),
        ("arn:aws:*", True),
        ("arn:aws:*/key", False),
        ("arn:aws:s3:::Bucket/key", False),
        ("arn:aws:s3:::bucket", False),
        ("bucket/key", False),
    ],
)
def test_patterns_of_arns(pattern, matched):
    assert allows(statement(Resource=pattern)) is matched


def test_actions_have_no_case_and_may_be_listed():
    assert allows(statement(Action=["logs:*", "S3:GETobject"]))
    assert not allows(statement(Action="s3:GetObjectAcl"))


class TestVariables:
    def test_stand_for_their_keys_values(self):
        one = statement(Resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team}*")
        assert allows(one, **{"aws:PrincipalTag/": {"team": "ke"}})
        assert not allows(one, **{"aws:PrincipalTag/": {"team": "*"}})

    def test_without_a_value_match_nothing(self):
        assert not allows(statement(Resource="arn:aws:s3:::bucket/${aws:username}*"))

    def test_may_have_a_default(self):
        assert allows(statement(Resource="arn:aws:s3:::bucket/${aws:username, 'key'}"))

    def test_are_text_in_the_older_language(self):
        one = {"Statement": [statement(Resource="arn:aws:s3:::b/${*}")]}
        request = PolicyRequest("s3:GetObject", "arn:aws:s3:::b/${anything}")
        assert evaluate([PolicySet(IDENTITY, [read_policy(one)])], request).allowed

    @pytest.mark.parametrize("character", "*?$")
    def test_spell_the_characters_that_mean_something(self, character):
        one = statement(Resource=f"arn:aws:s3:::b/${{{character}}}")
        assert allows(one, resource=f"arn:aws:s3:::b/{character}")
        assert not allows(one, resource="arn:aws:s3:::b/x")

    def test_work_in_conditions(self):
        one = when("StringLike", "s3:prefix", "${aws:PrincipalTag/team}/*")
        keys = {"aws:PrincipalTag/": {"team": "a"}}
        assert allows(one, **keys, **{"s3:prefix": "a/b"})
        assert not allows(one, **keys, **{"s3:prefix": "b/a"})


K = "aws:Key"


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a*", "ab", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringEqualsIgnoreCase", "AB", "ab", True),
        ("StringNotEqualsIgnoreCase", "AB", "ab", False),
        ("StringLike", "a?c*", "abcd", True),
        ("StringNotLike", ["x*", "a*"], "ab", False),
        ("NumericEquals", 5, "5.0", True),
        ("NumericNotEquals", "5", "6", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThanEquals", "10", "ten", False),
        ("DateEquals", "2025-01-01T00:00:00Z", "1735689600", True),
        ("DateNotEquals", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", True),
        ("DateLessThan", "2025-01-02", "2025-01-01T12:00:00Z", True),
        ("DateLessThanEquals", "2025-01-01T12:00:00Z", "2025-01-01T12:00:00+00:00", True),
        ("DateGreaterThan", "1735689600", "2025-01-01T00:00:01Z", True),
        ("DateGreaterThanEquals", "tomorrow", "2025-01-01T00:00:01Z", False),
        ("Bool", True, "true", True),
        ("Bool", "false", "true", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("IpAddress", ["10.0.0.0/8", "127.0.0.1"], "127.0.0.1", True),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("NotIpAddress", "127.0.0.0/8", "127.0.0.1", False),
        ("ArnEquals", "arn:aws:iam::*:role/x*", "arn:aws:iam::1:role/xy", True),
        ("ArnLike", "arn:aws:iam::*", "arn:aws:iam::1:role/xy", True),
        ("ArnNotEquals", "arn:aws:iam::2:role/*", "arn:aws:iam::1:role/xy", True),
        ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/xy", False),
        ("stringequals", "a", "a", True),
    ],
)
def test_an_operator_compares_as_documented(operator, wanted, value, holds):
    assert allows(when(operator, K, wanted), **{"AWS:key": value}) is holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("NumericLessThan", False),
        ("NotIpAddress", True),
        ("ArnNotLike", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_a_key_that_is_absent(operator, holds):
    assert allows(when(operator, K, "x")) is holds


@pytest.mark.parametrize("operator", ["Null", "null", "NullIfExists", "ForAllValues:Null"])
@pytest.mark.parametrize(("wanted", "holds"), [("true", False), ("false", True)])
def test_null_asks_whether_a_key_is_there(operator, wanted, holds):
    assert allows(when(operator, K, wanted), **{K: "x"}) is holds
    assert allows(when(operator, K, wanted)) is not holds


@settings(max_examples=50)
@given(
    st.sets(st.sampled_from("abc")),
    st.sets(st.sampled_from("abc"), min_size=1),
)
def test_keys_with_several_values_are_quantified(found, wanted):
    keys, values = {K: sorted(found)}, sorted(wanted)
    assert allows(when("ForAllValues:StringEquals", K, values), **keys) == (found <= wanted)
    assert allows(when("ForAnyValue:StringEquals", K, values), **keys) == bool(found & wanted)
    assert allows(when("ForAllValues:StringNotEquals", K, values), **keys) == (not found & wanted)
    assert allows(when("ForAnyValue:StringNotEquals", K, values), **keys) == bool(found - wanted)


def test_all_operators_and_keys_of_a_condition_must_hold():
    one = statement(Condition={"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "true"}})
    for a, b, c in itertools.product("12", "12", ("true", "false")):
        assert allows(one, a=a, b=b, c=c) is ((a, b, c) == ("1", "2", "true"))


@pytest.mark.parametrize(
    ("kind", "statement_of_it", "words"),
    [
        (IDENTITY, None, "because no identity-based policy allows the s3:GetObject action"),
        (IDENTITY, "Deny", "with an explicit deny in an identity-based policy"),
        (BOUNDARY, None, "because no permissions boundary allows the s3:GetObject action"),
        (BOUNDARY, "Deny", "with an explicit deny in a permissions boundary"),
        (SESSION, None, "because no session policy allows the s3:GetObject action"),
        (SESSION, "Deny", "with an explicit deny in a session policy"),
    ],
)
def test_a_decision_says_why(kind, statement_of_it, words):  # documented
    everything = [read_policy(document(statement()))]
    own = [read_policy(document(statement(statement_of_it)))] if statement_of_it else []
    sets = [PolicySet(k, own if k == kind else everything) for k in (IDENTITY, BOUNDARY, SESSION)]
    decision = evaluate(sets, PolicyRequest("s3:GetObject", ARN))
    assert (decision.allowed, decision.reason("s3:GetObject")) == (False, words)


@pytest.mark.parametrize(
    "policy",
    [
        "no JSON",
        "[]",
        document({"Effect": "Perhaps", "Action": "*", "Resource": "*"}),
        document({"Effect": "Allow", "Resource": "*"}),
        document({"Effect": "Allow", "Action": "*"}),
        document(statement(NotResource="*") | {"Resource": "*"}),
        document(when("StringIs", "a", "b")),
        document(when("ForSome:StringEquals", "a", "b")),
        document(statement(Action={"a": 1})),
        document(statement(), version="2020-01-01"),
    ],
)
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(BadPolicy):
        read_policy(policy)


def test_every_policy_of_aws_can_be_read():
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    for name, policy in json.loads(aws_managed_policies_data).items():
        assert read_policy(policy["Document"]).statements, name


def test_the_oracle_of_wildcards_agrees_with_the_shells():
    for pattern, text in itertools.product(["a*", "*b?", "??"], ["", "ab", "abb", "b"]):
        assert glob(pattern, text) == bool(re.match(fnmatch.translate(pattern), text))
