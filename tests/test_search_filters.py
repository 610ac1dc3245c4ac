"""Search's expressions, against an evaluation that shares nothing with theirs."""

import fractions

from hypothesis import given
from hypothesis import strategies as st

from maze_helpers.local_cloud.services.sagemaker.search_filters import condition_of
from maze_helpers.local_cloud.wire import models

SHAPE = models.service_model("sagemaker").shape_for("TrainingJob")
ORDERS = {
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanOrEqualTo": lambda a, b: a >= b,
    "LessThan": lambda a, b: a < b,
    "LessThanOrEqualTo": lambda a, b: a <= b,
}
WORDS = st.sampled_from(["a", "b", "ab", "1", "2"])
NUMBERS = st.sampled_from(["0", "1", "-1", "0.5", "1.5", "2e1", "10"])
RECORDS = st.fixed_dictionaries(
    {
        "HyperParameters": st.dictionaries(st.sampled_from("xy"), NUMBERS | WORDS),
        "FinalMetricDataList": st.lists(
            st.fixed_dictionaries({"MetricName": st.just("m"), "Value": st.floats(-2, 2)}),
            max_size=1,
        ),
        "Tags": st.lists(
            st.fixed_dictionaries({"Key": st.sampled_from("tu"), "Value": WORDS}),
            max_size=2,
            unique_by=lambda tag: tag["Key"],
        ),
        "InputDataConfig": st.lists(
            st.fixed_dictionaries({"ChannelName": WORDS, "ContentType": WORDS}), max_size=2
        ),
    },
    optional={"FailureReason": WORDS},
)


def filters(names, operators, values):
    return st.fixed_dictionaries(
        {"Name": st.sampled_from(names), "Operator": st.sampled_from(operators), "Value": values}
    )


EQUALITY = ["Equals", "NotEquals", "Exists", "NotExists"]
TEXTS = filters(
    ["FailureReason", "Tags.t", "HyperParameters.x", "InputDataConfig.ChannelName"],
    [*EQUALITY, "In"],
    WORDS,
)
QUANTITIES = filters(["HyperParameters.x", "HyperParameters.y"], [*ORDERS, *EQUALITY], NUMBERS)
METRICS = filters(["Metrics.m"], [*ORDERS, *EQUALITY], NUMBERS)
NESTED = st.fixed_dictionaries(
    {
        "NestedPropertyName": st.just("InputDataConfig"),
        "Filters": st.lists(
            filters(
                ["InputDataConfig.ChannelName", "InputDataConfig.ContentType"], EQUALITY, WORDS
            ),
            min_size=1,
            max_size=2,
        ),
    }
)
EXPRESSIONS = st.recursive(
    st.fixed_dictionaries(
        {"Filters": st.lists(TEXTS | QUANTITIES | METRICS, min_size=1, max_size=3)},
        optional={
            "Operator": st.sampled_from(["And", "Or"]),
            "NestedFilters": st.lists(NESTED, min_size=1, max_size=2),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {"SubExpressions": st.lists(inner, min_size=1, max_size=3)},
        optional={"Operator": st.sampled_from(["And", "Or"])},
    ),
    max_leaves=5,
)


def found_in(record: dict, name: str) -> list:
    """Return the values of a property, by cases."""
    head, _, rest = name.partition(".")
    if head == "HyperParameters":
        return [record[head][rest]] if rest in record[head] else []
    if head == "Metrics":
        return [m["Value"] for m in record["FinalMetricDataList"] if m["MetricName"] == rest]
    if head == "Tags":
        return [tag["Value"] for tag in record["Tags"] if tag["Key"] == rest]
    if head == "InputDataConfig":
        return [channel[rest] for channel in record["InputDataConfig"]]
    return [record[head]] if head in record else []


def exact(text: str) -> fractions.Fraction | None:
    try:
        return fractions.Fraction(text)
    except ValueError:
        return None


def holds(found: dict, values: list) -> bool:
    operator, value = found["Operator"], found["Value"]
    if operator == "Exists":
        return len(values) > 0
    if operator == "NotExists":
        return len(values) == 0
    if operator == "NotEquals":
        return not holds(found | {"Operator": "Equals"}, values)
    for own in values:
        if operator == "In":
            holding = own == value
        elif isinstance(own, float):
            own, wanted = fractions.Fraction(own), exact(value)
            holding = ORDERS[operator](own, wanted) if operator in ORDERS else own == wanted
        elif found["Name"].startswith("HyperParameters") and exact(value) is not None:
            own, wanted = exact(own), exact(value)
            if own is None:
                continue
            if "." not in value and "e" not in value:
                own = fractions.Fraction(int(own))
            holding = ORDERS[operator](own, wanted) if operator in ORDERS else own == wanted
        else:
            holding = own == value
        if holding:
            return True
    return False


def satisfied(record: dict, expression: dict) -> bool:
    verdicts = [holds(f, found_in(record, f["Name"])) for f in expression.get("Filters", [])]
    for nested in expression.get("NestedFilters", []):
        items = [record | {"InputDataConfig": [item]} for item in record["InputDataConfig"]]
        verdicts.append(
            any(
                all(holds(f, found_in(item, f["Name"])) for f in nested["Filters"])
                for item in items
            )
        )
    verdicts += [satisfied(record, inner) for inner in expression.get("SubExpressions", [])]
    return any(verdicts) if expression.get("Operator") == "Or" else all(verdicts)


@given(RECORDS, EXPRESSIONS)
def test_an_expression_holds_where_its_parts_say_so(record, expression):
    assert condition_of(expression, SHAPE)(record) is satisfied(record, expression)
