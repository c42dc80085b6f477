"""Policies: built fluently, read from documents, combined; every fault at once."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.policies import PromotionPolicy, combine
from lockgate.domain.requirements.evidence import Needs
from lockgate.domain.requirements.kinds import KINDS
from lockgate.domain.requirements.requirement import Requirement, Surroundings
from lockgate.errors import InvalidPolicy

EVERYTHING = (
    PromotionPolicy()
    .require_metric("accuracy", ">=", 0.90)
    .require_metric_vs("auc", "@champion", "lower", percent=-1.5, require_baseline=True)
    .require_approvals(2, "risk", rejections=3, allow_author=True)
    .require_check("integration-tests", max_age="7d")
    .require_soak("Staging", "24h", mode="advisory")
    .require_tag("team", "risk")
    .require_metadata("license", matches="apache*")
    .require_card(chars_min=200, sections=["Limits"])
    .require_lineage("dataset", "code")
    .require_scan(allow_waivers=False)
    .require_signature("*@example.com")
    .require_ab_winner("click", direction="lower", alpha=0.01)
)

names = st.sampled_from(["a", "b"])
modes = st.sampled_from([None, "enforce", "advisory"])
requirements: st.SearchStrategy[Requirement] = st.one_of(
    st.builds(
        KINDS["metric"],
        names,
        st.sampled_from([">", ">=", "<", "<=", "=="]),
        st.integers(0, 2),
        mode=modes,
    ),
    st.builds(KINDS["approvals"], st.integers(1, 3), rejections=st.integers(1, 2), mode=modes),
    st.builds(KINDS["check"], names, st.sampled_from([None, 60, 3600]), mode=modes),
    st.builds(KINDS["soak"], names, st.integers(1, 100_000), mode=modes),
    st.builds(KINDS["tag"], names, st.sampled_from([None, "x"]), mode=modes),
    st.builds(KINDS["scan"], st.booleans(), mode=modes),
    st.builds(KINDS["lineage"], st.sampled_from([(), ("run",), ("run", "code")]), mode=modes),
)
policies = st.builds(
    PromotionPolicy,
    st.sampled_from(["enforce", "advisory"]),
    st.lists(requirements, max_size=5).map(tuple),
)


def test_the_example() -> None:
    """The policy of the documentation is built as written, and describes itself."""
    policy = (
        PromotionPolicy()
        .require_metric("accuracy", ">=", 0.90)
        .require_approvals(2)
        .require_check("integration-tests")
    )
    assert policy.describe() == [
        "Metric 'accuracy' must be >= 0.9",
        "2 different people, not the author must approve; 1 rejection blocks",
        "Check 'integration-tests' must have passed",
    ]


def test_every_kind_round_trips() -> None:
    """A policy of every kind of requirement survives JSON, and its document is canonical."""
    document = EVERYTHING.to_document()
    assert {entry["kind"] for entry in document["requirements"]} == set(KINDS)
    back = PromotionPolicy.from_document(json.loads(json.dumps(document)))
    assert (back, back.digest(), back.to_document()) == (EVERYTHING, EVERYTHING.digest(), document)


def test_every_kind_describes_itself() -> None:
    """Each requirement has its sentence; an advisory one says so."""
    sentences = EVERYTHING.describe()
    assert len(sentences) == len(set(sentences)) == len(KINDS)
    assert sentences[4] == "The version must have stood in Staging for 1d (advisory)"


def test_toml() -> None:
    """A policy reads from TOML as people write it."""
    text = """
        mode = "advisory"
        [[requirements]]
        kind = "metric"
        name = "accuracy"
        comparison = ">="
        threshold = 0.9
        [[requirements]]
        kind = "soak"
        stage = "Staging"
        duration = "24h"
    """
    expected = (
        PromotionPolicy("advisory")
        .require_metric("accuracy", ">=", 0.9)
        .require_soak("Staging", 86_400)
    )
    assert PromotionPolicy.from_document(tomllib.loads(text)) == expected


@given(policies)
def test_round_trip(policy: PromotionPolicy) -> None:
    """Any policy is the one that its document reads back as."""
    assert PromotionPolicy.from_document(json.loads(json.dumps(policy.to_document()))) == policy


@given(policies, st.randoms())
def test_digest_is_of_what_is_asked(policy: PromotionPolicy, random: Any) -> None:
    """The digest does not depend on the order, and differs when anything else does."""
    shuffled = list(policy.requirements)
    random.shuffle(shuffled)
    assert PromotionPolicy(policy.mode, tuple(shuffled)).digest() == policy.digest()
    assert policy.require_tag("another").digest() != policy.digest()
    other = "advisory" if policy.mode == "enforce" else "enforce"
    assert PromotionPolicy(other, policy.requirements).digest() != policy.digest()


def test_every_fault_at_once() -> None:
    """All that is wrong with a document is told together, each fault with its place."""
    document = {
        "mode": "maybe",
        "stages": [],
        "requirements": [
            {"kind": "metric", "name": "a", "comparison": "=>", "threshold": float("nan")},
            {"kind": "metrik"},
            {"kind": "approvals", "count": 5, "rolle": "risk"},
            {"kind": "approvals", "count": 5, "role": "risk"},
            {"kind": "soak", "stage": "Shadow", "duration": "1h"},
            {"kind": "soak", "duration": "soon"},
            "approvals",
            {"kind": "check", "name": "it", "max_age": "x"},
        ],
    }
    around = Surroundings(stages=("None", "Staging"), people={None: 9, "risk": 2})
    with pytest.raises(InvalidPolicy) as caught:
        PromotionPolicy.from_document(document, around)
    kinds = ", ".join(KINDS)
    assert caught.value.fields["faults"] == [
        "'stages': a policy has no such field; it has mode, requirements",
        "mode: must be enforce or advisory, got 'maybe'",
        "requirements[0].comparison: must be one of >, >=, <, <=, ==, got '=>'",
        "requirements[0].threshold: must be a finite number, got nan",
        f"requirements[1].kind: must be one of {kinds}, got 'metrik'",
        "requirements[2].rolle: approvals has no such field; it has mode, count, role, "
        "rejections, allow_author",
        "requirements[3].count: 5 approvals are required, but only 2 people have the role 'risk'",
        "requirements[4].stage: there is no stage 'Shadow'; there are None, Staging",
        "requirements[5].stage: is required",
        "requirements[5].duration: must be a time such as 90m, 24h, 7d or a number of seconds, "
        "from 1 second to 10 years, got 'soon'",
        f"requirements[6].kind: must be one of {kinds}, got 'approvals'",
        "requirements[7].max_age: must be a time such as 90m, 24h, 7d or a number of seconds, "
        "from 1 second to 10 years, got 'x'",
    ]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "metric",
        {"requirements": {}},
        {"requirements": [{"kind": "tag", "name": "t"}] * 101},
        {"requirements": [{"kind": ["tag"]}]},
        {"requirements": [{"kind": "tag"}]},
        {"requirements": [{"kind": "tag", "name": None}]},
        {"requirements": [{"kind": "tag", "name": "t", "mode": "loud"}]},
        {"requirements": [{"kind": "card", "sections": [["x"]]}]},
        {"mode": []},
    ],
)
def test_refused_documents(document: Any) -> None:
    """Whatever is handed over, the answer is InvalidPolicy with a list of faults."""
    with pytest.raises(InvalidPolicy) as caught:
        PromotionPolicy.from_document(document)
    assert len(caught.value.fields["faults"]) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "kind mode name count role stage duration max_age value matches threshold comparison sections "
    "sources identities baseline percent"
)
fields = st.sampled_from(FIELDS.split())
entries = st.dictionaries(fields, json_values, max_size=6) | st.builds(
    lambda kind, rest: {**rest, "kind": kind},
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(fields, json_values, max_size=6),
)


@given(st.fixed_dictionaries({"requirements": st.lists(entries, max_size=4)}))
def test_any_document_is_read_or_refused(document: Any) -> None:
    """No document makes the reader fail in another way than by InvalidPolicy."""
    try:
        policy = PromotionPolicy.from_document(document)
    except InvalidPolicy:
        return
    assert PromotionPolicy.from_document(policy.to_document()) == policy


def test_require_fits() -> None:
    """A policy in hand is checked against the place where it is to be attached."""
    with pytest.raises(InvalidPolicy) as caught:
        EVERYTHING.require_fits(Surroundings(stages=("None",), people={"risk": 1}))
    assert caught.value.fields["faults"] == [
        "requirements[2].count: 2 approvals are required, but only 1 people have the role 'risk'",
        "requirements[4].stage: there is no stage 'Staging'; there are None",
    ]
    EVERYTHING.require_fits(Surroundings())


def test_needs() -> None:
    """A policy says which evidence it looks at, and nothing more."""
    assert EVERYTHING.needs() == Needs(
        baselines=frozenset({"@champion", "@production"}),
        checks=frozenset({"integration-tests"}),
        stages=frozenset({"Staging"}),
        decisions=True,
        scans=True,
        signatures=True,
        card=True,
        outcomes=frozenset({("@production", "click")}),
    )
    assert PromotionPolicy().require_metric("a", ">", 1).needs() == Needs()


def test_listed_twice_counts_once() -> None:
    """The same requirement twice, or with the policy's own mode spelt out, is one."""
    policy = PromotionPolicy().require_tag("t").require_tag("t", mode="enforce")
    assert policy == PromotionPolicy().require_tag("t")


def test_combine_takes_the_strictest() -> None:
    """Of requirements of a kind the strictest stays, whichever policy it comes from."""
    one = PromotionPolicy().require_metric("a", ">=", 0.9).require_approvals(1).require_scan()
    two = PromotionPolicy().require_metric("a", ">", 0.8).require_approvals(3).require_tag("t")
    expected = (
        PromotionPolicy()
        .require_metric("a", ">=", 0.9)
        .require_scan()
        .require_approvals(3)
        .require_tag("t")
    )
    assert combine([one, two]) == expected


def test_combine_enforce_wins() -> None:
    """What one policy enforces stays enforced, beside something stricter that is only told."""
    told = PromotionPolicy("advisory").require_metric("a", ">=", 0.9).require_tag("t")
    enforced = PromotionPolicy().require_metric("a", ">=", 0.8).require_tag("t")
    expected = (
        PromotionPolicy()
        .require_metric("a", ">=", 0.9, mode="advisory")
        .require_metric("a", ">=", 0.8)
        .require_tag("t")
    )
    assert combine([told, enforced]) == expected
    assert combine([told]) == told


@given(st.lists(policies, max_size=3))
def test_combine_is_stable(given_policies: list[PromotionPolicy]) -> None:
    """Combining again changes nothing, and the order of policies does not matter."""
    once = combine(given_policies)
    assert combine([once]) == once
    assert combine(reversed([*given_policies, *given_policies])).digest() == once.digest()


def test_one_is_not_true() -> None:
    """A number and a truth value that Python takes for equal are two requirements."""
    policy = PromotionPolicy().require_metadata("m", 1).require_metadata("m", True)
    assert len(policy.requirements) == 2
    assert combine([policy]) == policy
