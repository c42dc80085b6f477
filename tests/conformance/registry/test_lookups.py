"""Looking things up, now and in the past, is the same in this process and over HTTP."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from lockgate.errors import (
    AliasNotFound,
    InvalidFilter,
    InvalidInput,
    InvalidReference,
    ModelNotFound,
    NotFound,
    ProjectNotFound,
    StageEmpty,
    VersionNotFound,
)
from registries import AnyRegistry

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def two(registry: AnyRegistry) -> AnyRegistry:
    """A registry with churn 1.0, once in production, and 1.1, in production now."""
    registry.register_model(
        "churn", "1.0", metrics={"auc": 0.8, "n": 0, "old": 1}, params={"d": 1}, tags={"t": "a"}
    )
    registry.register_model(
        "churn", "1.1", metrics={"auc": 0.9, "n": 5, "new": 1}, params={"d": 1.0}, tags={"t": "b"}
    )
    for label in ["1.0", "1.1"]:
        registry.promote("churn", label)
        registry.promote("churn", label)
    return registry


@pytest.mark.parametrize(
    ("reference", "label"),
    [
        ("churn:1.0", "1.0"),
        ("default/churn:1.0", "1.0"),
        ("churn:1", "1.0"),
        ("churn@latest", "1.1"),
        ("churn", "1.1"),
        ("churn@Production", "1.1"),
        ("churn@prod", "1.1"),
        ("churn@staging", "1.0"),
        ("churn@champion", "1.0"),
    ],
)
def test_a_reference_means_a_version(two: AnyRegistry, reference: str, label: str) -> None:
    """A reference names a version by label, number, alias, stage or as the latest."""
    two.set_alias("churn", "champion", "1.0")
    assert two.resolve(reference) == two.get_version("churn", label)


def test_a_reference_that_means_nothing_says_why(two: AnyRegistry) -> None:
    """What is missing is named; what is no reference is told what would be one."""
    with pytest.raises(VersionNotFound):
        two.resolve("churn:9.9")
    with pytest.raises(ModelNotFound):
        two.resolve("nothing@latest")
    with pytest.raises(StageEmpty):
        two.resolve("churn@archived")
    with pytest.raises(AliasNotFound) as caught:
        two.resolve("churn@challenger")
    assert caught.value.fields["stages"] == ["None", "Staging", "Production", "Archived"]
    with pytest.raises(InvalidReference):
        two.resolve("churn@")
    with pytest.raises(VersionNotFound):
        two.resolve("churn@sha256:" + "0" * 64)


def test_the_latest_is_the_newest_that_qualifies(two: AnyRegistry) -> None:
    """get_latest takes a stage or none; production is the stage that serves."""
    assert two.get_latest("churn").label == "1.1"
    assert two.get_latest("churn", "STAGING").label == "1.0"
    assert two.get_latest_in_stage("churn", "Production").label == "1.1"
    assert two.production("churn").label == "1.1"
    with pytest.raises(StageEmpty):
        two.get_latest_in_stage("churn", "Archived")
    with pytest.raises(InvalidInput):
        two.get_latest("churn", "Limbo")
    with pytest.raises(ModelNotFound):
        two.get_latest("nothing")


def test_the_past_can_be_asked(two: AnyRegistry) -> None:
    """At the moment before 1.1 was promoted, 1.0 was in production."""
    two.set_alias("churn", "champion", "1.0")
    two.set_alias("churn", "champion", "1.1")
    first, second = (stay for stay in two.history("churn") if stay.place == "Production")
    then = two.production("churn", at=first.since)
    assert (then.label, then.stage, then.stage_since) == ("1.0", "Production", first.since)
    assert two.production("churn", at=second.since).label == "1.1"
    assert two.resolve("churn@production", at=first.since.isoformat()).label == "1.0"
    assert two.get_latest("churn", "Production", at=first.since).label == "1.0"
    old, _ = (stay for stay in two.history("churn") if stay.place == "champion")
    assert two.resolve("churn@champion", at=old.since).aliases == ("champion",)
    assert two.resolve("churn@champion", at=old.since).label == "1.0"
    with pytest.raises(ModelNotFound):
        two.resolve("churn:1.0", at=LONG_AGO)
    with pytest.raises(InvalidInput, match="at must be an ISO 8601 time"):
        two.production("churn", at="yesterday")


def test_stages_are_asked_over_all_models(two: AnyRegistry) -> None:
    """get_by_stage finds the versions of every model and lifecycle that stand in a stage."""
    two.create_project("risk")
    two.register_model("risk/calm", "1", lifecycle="open", stage="production")
    page = two.get_by_stage("PRODUCTION", limit=1)
    assert [version.model for version in page] == ["calm"]
    rest = two.get_by_stage("PRODUCTION", limit=1, cursor=page.next_cursor)
    assert [version.model for version in rest] == ["churn"]
    assert [version.model for version in two.get_by_stage("prod", project="risk")] == ["calm"]
    with pytest.raises(InvalidInput):
        two.get_by_stage("Limbo")


def test_two_versions_are_compared(two: AnyRegistry) -> None:
    """Both values, the change, its percentage, or the reason why it has none."""
    diff = two.compare_versions("churn", "1.0", "1.1")
    assert (diff.a.label, diff.b.label) == ("1.0", "1.1")
    auc = diff.metric_diffs["auc"]
    assert (auc.a, auc.b, auc.delta) == (0.8, 0.9, 0.9 - 0.8)
    assert auc.percent_change == (0.9 - 0.8) / 0.8 * 100
    n = diff.metric_diffs["n"]
    assert (n.delta, n.percent_change, n.reason) == (
        5,
        None,
        "a change from zero has no percentage",
    )
    assert diff.metric_diffs["old"].reason == "the second version has no such metric"
    assert diff.metric_diffs["new"].b == 1
    assert diff.param_diffs["d"].b == 1.0
    assert (diff.tag_diffs["t"].a, diff.tag_diffs["t"].b) == ("a", "b")
    with pytest.raises(VersionNotFound):
        two.compare_versions("churn", "1.0", "9")


def test_several_versions_are_lined_up(two: AnyRegistry) -> None:
    """Two to six different versions come in the order asked for, by label or by number."""
    two.register_model("churn", "2.0")
    lineup = two.compare_many("churn", ["2.0", "1.0", "2"])
    assert [version.label for version in lineup.versions] == ["2.0", "1.0", "1.1"]
    assert (lineup.files, lineup.tensors, lineup.files_differ) == ((), (), 0)
    with pytest.raises(VersionNotFound):
        two.compare_many("churn", ["1.0", "9"])
    for wrong in (["1.0"], ["1.0", "1"], [str(n) for n in range(7)]):
        with pytest.raises(InvalidInput):
            two.compare_many("churn", wrong)


def test_versions_are_found(two: AnyRegistry) -> None:
    """search filters, orders and pages versions."""
    found = two.search("metrics.auc > 0.8 and tags.t = 'b' and stage = 'production'")
    assert [version.label for version in found] == ["1.1"]
    ordered = two.search("name = 'churn'", order_by=["metrics.auc DESC", "seq"], limit=1)
    assert [version.label for version in ordered] == ["1.1"]
    rest = two.search(
        "name = 'churn'",
        order_by=["metrics.auc DESC", "seq"],
        limit=1,
        cursor=ordered.next_cursor,
    )
    assert ([version.label for version in rest], rest.next_cursor) == (["1.0"], None)
    assert [version.label for version in two.search(order_by="seq")] == ["1.0", "1.1"]


def test_a_fault_in_a_filter_is_pointed_at(two: AnyRegistry) -> None:
    """An error tells the column of the fault."""
    with pytest.raises(InvalidFilter) as caught:
        two.search("metrics.auc >")
    assert caught.value.fields["column"] == 14
    with pytest.raises(InvalidFilter):
        two.search("colour = 'red'")
    with pytest.raises(InvalidFilter):
        two.search(order_by="colour")


def test_models_are_found(two: AnyRegistry) -> None:
    """search_models filters models."""
    two.create_model("calm", tags={"team": "risk"})
    assert [model.name for model in two.search_models("tags.team = 'risk'")] == ["calm"]
    assert [model.name for model in two.search_models()] == ["calm", "churn"]


def test_known_keys_are_those_of_the_newest(on_every_database: AnyRegistry) -> None:
    """A project's keys come with a few values, by name; other projects have their own."""
    here = on_every_database
    here.create_model("churn", tags={"team": "risk", "a b": "1"})
    here.create_model("calm", tags={"team": "fraud"})
    here.register_model("churn", "1", metrics={"f1": 1, "auc": 0.5}, params={"depth": 3})
    here.register_model("churn", "2", tags={"lang": "en"}, metrics={"auc": 0.6})
    here.create_project("risk")
    here.register_model("risk/other", "1", metrics={"secret": 1})
    known = here.known_keys(project="default")
    assert dict(known.model_tags) == {"a b": ("1",), "team": ("fraud", "risk")}
    assert dict(known.version_tags) == {"lang": ("en",)}
    assert (known.metrics, known.params) == (("auc", "f1"), ("depth",))
    assert here.known_keys(project="risk").metrics == ("secret",)
    with pytest.raises(ProjectNotFound):
        here.known_keys(project="nowhere")


def test_everything_is_counted(two: AnyRegistry) -> None:
    """summary counts models, versions and stages, in one project or in all."""
    two.create_project("risk")
    two.register_model("risk/calm", "1")
    everything = two.summary()
    assert (everything.total_models, everything.total_versions) == (2, 3)
    assert dict(everything.by_stage) == {"None": 1, "Production": 1, "Staging": 1}
    assert two.summary(project="risk").total_versions == 1


def test_what_is_deleted_is_not_counted(two: AnyRegistry) -> None:
    """A deleted version is in no count, nor are those of a deleted model."""
    two.register_model("churn", "1.2")
    two.delete_version("churn", "1.2")
    two.register_model("gone", "1")
    two.register_model("gone", "2")
    two.delete_version("gone", "2")
    two.delete_model("gone", force=True)
    for counts in (two.summary(), two.summary(project="default")):
        assert (counts.total_models, counts.total_versions) == (1, 2)
        assert dict(counts.by_stage) == {"Production": 1, "Staging": 1}


@pytest.mark.parametrize("spellings", [("none", "None"), ("none", "None", "NONE")])
def test_stages_are_counted_as_they_are_spelt(two: AnyRegistry, spellings: tuple[str, ...]) -> None:
    """Lifecycles may spell a stage each in its way; every spelling has its count."""
    for number, spelling in enumerate(spellings):
        two.apply_lifecycle(
            {
                "name": f"spelt-{number}",
                "stages": [{"name": spelling}, {"name": "Out"}],
                "initial": spelling,
                "edges": [{"from": spelling, "to": "Out", "verbs": ["promote"]}],
            }
        )
        two.create_model(f"m{number}", lifecycle=f"spelt-{number}")
        for label in range(number + 1):
            two.register_model(f"m{number}", f"{label}")
    wanted = {spelling: number + 1 for number, spelling in enumerate(spellings)}
    for counts in (two.summary(), two.summary(project="default")):
        assert dict(counts.by_stage) == {"Production": 1, "Staging": 1, **wanted}


def test_the_latest_of_each_stage(two: AnyRegistry) -> None:
    """Each stage that has a version shows its latest, in the order of the lifecycle's stages."""
    two.register_model("churn", "1.2")
    two.register_model("churn", "1.3")
    found = two.get_latest_by_stage("churn")
    assert [(version.stage, version.label) for version in found] == [
        ("None", "1.3"), ("Staging", "1.0"), ("Production", "1.1"),
    ]  # fmt: skip
    with pytest.raises(ModelNotFound):
        two.get_latest_by_stage("no")


def test_one_model_is_counted(two: AnyRegistry) -> None:
    """summary counts the versions of one model, too."""
    two.register_model("calm", "1")
    counts = two.summary(model="churn")
    assert (counts.project, counts.model, counts.total_models) == ("default", "churn", 1)
    assert (counts.total_versions, dict(counts.by_stage)) == (2, {"Production": 1, "Staging": 1})
    with pytest.raises(ModelNotFound):
        two.summary(model="nothing")


def test_models_are_counted(two: AnyRegistry) -> None:
    """count_models counts what search_models would page through."""
    two.create_project("risk")
    two.create_model("risk/calm", tags={"team": "risk"})
    assert two.count_models() == 2
    assert two.count_models("name ILIKE 'CH%'") == 1
    assert two.count_models("tags.team = 'risk'", project="risk") == 1
    assert two.count_models(project="default") == 1
    two.delete_model("risk/calm")
    assert two.count_models() == 1


def test_a_uid_leads_to_what_has_it(two: AnyRegistry) -> None:
    """locate returns a model's full name or a version's reference, wherever it is by now."""
    model, version = two.get_model("churn"), two.register_model("churn", "v9")
    two.update_model("churn", new_name="leavers")
    assert two.locate(model.uid) == "default/leavers"
    assert two.locate(str(uuid.UUID(version.uid))) == "default/leavers:v9"
    with pytest.raises(NotFound):
        two.locate(uuid.uuid4().hex)
    with pytest.raises(InvalidInput):
        two.locate("leavers")
    two.delete_version("leavers", "v9")
    with pytest.raises(NotFound):
        two.locate(version.uid)


def test_an_old_name_still_means_what_it_meant(two: AnyRegistry) -> None:
    """A model that was renamed is found, for the time before, under the name it had then."""
    then = two.production("churn").updated_at
    two.update_model("churn", new_name="leavers")
    renamed = two.get_model("leavers").updated_at
    two.update_model("leavers", new_name="quitters")
    two.register_model("churn", "other")
    assert two.production("churn", at=then).label == two.production("quitters").label
    assert two.resolve("leavers@production", at=renamed).model == "quitters"
    with pytest.raises(NotFound):
        two.production("churn")
    assert two.resolve("churn:other", at=two.get_model("churn").updated_at).label == "other"
    two.delete_model("quitters", force=True)
    two.create_model("quitters")
    two.update_model("quitters", new_name="stayers")
    assert two.production("churn", at=then).model == "quitters"


def test_an_overview_shows_models_with_what_serves(two: AnyRegistry) -> None:
    """Each model comes with its version in production, by the words of its own lifecycle."""
    two.create_model("alone", lifecycle="single")
    two.create_model("linear", lifecycle="linear")
    two.register_model("linear", "a")
    two.register_model("linear", "b")
    for label in ["b", "a"]:
        two.promote("linear", label)
        two.promote("linear", label)
    shown = two.overview(project="default")
    assert [
        ("alone", "production", None),
        ("churn", "Production", two.get_version("churn", "1.1")),
        ("linear", "Production", two.production("linear")),
    ] == [(each.model.name, each.serving_stage, each.production) for each in shown]


def test_an_overview_is_a_search_and_pages(two: AnyRegistry) -> None:
    """Filter, order and cursor mean what they mean in a search for models."""
    for name in ["a", "b", "c"]:
        two.create_model(name, owner="risk")
    first = two.overview("owner = 'risk'", order_by="name DESC", limit=2)
    rest = two.overview("owner = 'risk'", order_by="name DESC", limit=2, cursor=first.next_cursor)
    assert [[each.model.name for each in page] for page in (first, rest)] == [["c", "b"], ["a"]]
    assert rest.next_cursor is None


def test_a_uid_leads_to_its_version_or_model(two: AnyRegistry) -> None:
    """locate turns a uid, however it is written, into a reference; an unknown one is not found."""
    version, model = two.get_version("churn", "1.1"), two.get_model("churn")
    dashed = str(uuid.UUID(version.uid))
    assert [two.locate(uid) for uid in (version.uid, dashed, model.uid)] == [
        "default/churn:1.1",
        "default/churn:1.1",
        "default/churn",
    ]
    with pytest.raises(NotFound, match="no model and no version"):
        two.locate("0" * 32)
    with pytest.raises(InvalidInput, match="must be a UUID"):
        two.locate("churn")
    two.delete_model("churn", force=True)
    with pytest.raises(NotFound):
        two.locate(version.uid)


def test_a_board_has_a_column_for_every_stage(two: AnyRegistry) -> None:
    """A model's board shows its stages in order, what stands in each, and what is asked for."""
    two.register_model("churn", "1.2")
    asked = two.request_promotion("churn", "1.2", "Staging", comment="please")
    board = two.board("churn", limit=1)
    assert [
        (column.stage, column.count, [card.version.label for card in column.cards])
        for column in board.columns
    ] == [
        ("None", 1, ["1.2"]),
        ("Staging", 1, ["1.0"]),
        ("Production", 1, ["1.1"]),
        ("Archived", 0, []),
    ]
    card = board.columns[0].cards[0]
    assert (card.lifecycle, card.lifecycle_revision) == ("standard", 1)
    assert card.requests == (asked.request,)
    assert board.columns[1].cards[0].requests == ()


def test_a_board_counts_what_it_does_not_show(two: AnyRegistry) -> None:
    """A column with more versions than asked for shows the newest and counts all."""
    for label in ["2", "3", "4"]:
        two.register_model("churn", label)
    column = two.board("churn", limit=2).columns[0]
    assert (column.count, [card.version.label for card in column.cards]) == (3, ["4", "3"])


def test_a_projects_board_joins_stages_of_one_name(two: AnyRegistry) -> None:
    """Models of several lifecycles share the columns whose names they share."""
    two.create_model("open", lifecycle="open")
    two.register_model("open", "9")
    two.create_model("linear", lifecycle="linear")
    two.register_model("linear", "a")
    board = two.board()
    assert board.model is None
    named = {each.stage: [card.version.model for card in each.cards] for each in board.columns}
    assert named == {
        "None": ["open"],
        "Dev": ["linear"],
        "Staging": ["churn"],
        "Production": ["churn"],
        "Archived": [],
    }


def test_children_name_their_parent(two: AnyRegistry) -> None:
    """Versions that say for good that they come from this one, in whatever spelling."""
    two.register_model("churn", "2", parents=["churn:1.0"])
    two.register_model("distilled", "1", parents=["default/churn:1.0", "elsewhere"])
    two.register_model("other", "1", parents=["churn:1.1", "churn@production"])
    found = two.children("churn", "1.0")
    assert [each.reference for each in found] == ["default/distilled:1", "default/churn:2"]
