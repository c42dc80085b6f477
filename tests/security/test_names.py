"""Names (lines 14 to 17): one thing has one name, and a name means one thing."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from attacked import CHURN, V1, Target, told

MODELS = f"{V1}/projects/default/models"


@pytest.mark.parametrize(
    "name",
    [
        "ch%75rn", "churn%2e", "churn%20", "%63hurn%2f", "churn/", "churn\\", "churn%00",
        "a/b", "..", ".", "", " churn", "churn ", "churn\n", "churn\t", "\u00a0churn",
    ],
)  # fmt: skip
def test_14_encoded_twins(target: Target, name: str) -> None:
    """Line 14: a name that is not its own percent-encoding, or could be a path, is no name."""
    with target.unharmed():
        answer = target.http.post(MODELS, json={"name": name})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_name")


def test_14_a_path_is_decoded_once(target: Target) -> None:
    """Line 14: a name in a path is decoded once, so that no second name leads to a model."""
    with target.unharmed():
        assert target.ask(f"{MODELS}/ch%75rn").status == 200
        assert target.ask(f"{MODELS}/ch%2575rn").status == 400


TWINS = {
    "zero width": "chu\u200brn",
    "a joiner": "chu\u200drn",
    "full width": "\uff43\uff48\uff55\uff52\uff4e",
    "right to left": "chu\u202ern",
    "a soft hyphen": "chu\u00adrn",
    "a byte order mark": "\ufeffchurn",
    "a tag character": "churn\U000e0041",
    "a variation selector": "churn\ufe0f",
    "a combining grapheme joiner": "chu\u034frn",
    "Hangul filler": "churn\u3164",
    "Cyrillic": "\u0441hurn",
    "a lone surrogate": "churn\ud800",
    "a private character": "churn\ue000",
    "a line separator": "churn\u2028",
}


@pytest.mark.parametrize("what", TWINS)
def test_15_twins(target: Target, what: str) -> None:
    """Line 15: what looks like a name that is taken is refused, or is plainly another one."""
    name = TWINS[what]
    with target.unharmed():
        body = json.dumps({"name": name})
        answer = target.http.post(
            MODELS, content=body.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400
        assert answer.json()["code"] in ("invalid_name", "invalid_input")


@pytest.mark.parametrize("name", ["Churn", "CHURN", "\u0441\u043e\u0440\u043d", "churn2"])
def test_15_other_names_are_other_models(target: Target, name: str) -> None:
    """Line 15: a name in other case, or wholly in another script, never leads to this model."""
    before = target.http.get(CHURN).json()
    made = target.http.post(MODELS, json={"name": name})
    assert made.status_code == 201
    assert made.json()["uid"] != before["uid"]
    assert target.http.get(f"{MODELS}/{quote(name)}/versions").json()["items"] == []
    assert before == target.http.get(CHURN).json()


@pytest.mark.parametrize("size", [256, 10_000_000])
def test_16_long_names(target: Target, size: int) -> None:
    """Line 16: a name is short, and a long one is not echoed."""
    with target.unharmed():
        answer = target.http.post(MODELS, json={"name": "a" * size})
        # The first is refused as a name, the second as a body.
        assert answer.status_code == (400 if size == 256 else 413)
        assert len(answer.content) < 5_000


def test_16_many_entries(target: Target) -> None:
    """Line 16: tags, metrics, params: a thousand each, short ones."""
    with target.unharmed():
        many = {f"k{n}": "v" for n in range(1_001)}
        for field in ("tags", "params"):
            answer = target.http.post(f"{CHURN}/versions", json={field: many})
            assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")
        for body in (
            {"tags": {"k": "v" * 100_001}}, {"metrics": {f"m{n}": 1 for n in range(1_001)}},
            {"description": "x" * 100_001}, {"metadata": {"x": ["y" * 1_000] * 1_001}},
            {"run_id": "r" * 251}, {"parents": ["churn:1.0"] * 1_001},
            {"artifact_uri": "s" * 4_097},
        ):  # fmt: skip
            answer = target.http.post(f"{CHURN}/versions", json=body)
            assert told(answer) == (413, "limit_exceeded"), list(body)
            assert len(answer.content) < 60_000
        # A name that is too long is no name.
        for named in ({"tags": {"k" * 251: "v"}}, {"version": "1" * 51}):
            answer = target.http.post(f"{CHURN}/versions", json=named)
            assert told(answer) == (400, "invalid_name"), list(named)


@pytest.mark.parametrize("alias", ["latest", "LATEST", "1", "production", "a:b", "a@b"])
def test_16_aliases_that_mean_something_else(target: Target, alias: str) -> None:
    """Lines 15 and 16: an alias is never a stage, ``latest``, a number or a reference."""
    with target.unharmed():
        answer = target.http.put(f"{CHURN}/aliases/{quote(alias)}", json={"version": "1.0"})
        assert answer.status_code == 400


def test_17_a_name_after_a_rename(target: Target) -> None:
    """Line 17: who takes a name that was given up gets nothing that belonged to it."""
    made = target.http.post(MODELS, json={"name": "old"}).json()
    target.http.post(f"{MODELS}/old/versions", json={"version": "1", "tags": ["mine"]})
    target.http.put(f"{MODELS}/old/aliases/champion", json={"version": "1"})
    tag = target.http.get(f"{MODELS}/old").headers["etag"]
    assert target.http.patch(f"{MODELS}/old", json={"new_name": "new"}).status_code == 200
    taken = target.http.post(MODELS, json={"name": "old"}).json()
    assert taken["uid"] != made["uid"]
    assert target.http.get(f"{MODELS}/old/versions").json()["items"] == []
    assert target.http.get(f"{MODELS}/old/aliases/champion").status_code == 404
    late = target.http.patch(f"{MODELS}/old", json={"owner": "eve"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert target.http.get(f"{MODELS}/new/versions/1").json()["tags"] == {"mine": ""}
