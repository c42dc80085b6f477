"""Filters and orders drawn by chance, over the fields and values of `search_world`."""

from __future__ import annotations

from hypothesis import strategies as st

from search_world import NUMBERS, STAGES, TEXTS


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_KEY = st.sampled_from(["a", "b", "`val acc`", "missing"])
_TEXT = st.sampled_from(TEXTS).map(_quoted)
_NUMBER = st.sampled_from([*NUMBERS, 0.5]).map(repr)
_COMPARING = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_PATTERN = (
    st.lists(st.sampled_from(["%", "_", "r", "R", "i", "\\%", "é", "z", "*", "["]), max_size=4)
    .map("".join)
    .map(_quoted)
)
_LIKES = st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"])
_NULLS = st.sampled_from(["IS NULL", "IS NOT NULL"])


def _listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=4).map(lambda some: f"IN ({', '.join(some)})")


def _words(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).map(" ".join)


_ANY_TEXT = st.one_of(_words(_COMPARING, _TEXT), _listed(_TEXT), _words(_LIKES, _PATTERN))
_ANY_PARAM = st.one_of(
    _ANY_TEXT,
    _words(_COMPARING, _NUMBER),
    _listed(st.one_of(_NUMBER, _TEXT, st.sampled_from(["true", "false"]))),
    _words(st.sampled_from(["=", "!="]), st.sampled_from(["true", "false"])),
)
ONE_COMPARISON = st.one_of(
    _words(_KEY.map("metrics.{}".format), st.one_of(_words(_COMPARING, _NUMBER), _listed(_NUMBER))),
    _words(_KEY.map("tags.{}".format), _ANY_TEXT),
    _words(_KEY.map("params.{}".format), _ANY_PARAM),
    _words(st.sampled_from(["metrics.a", "tags.b", "params.a", "run_id", "alias"]), _NULLS),
    _words(st.sampled_from(["description", "run_id", "name", "version"]), _ANY_TEXT),
    _words("alias", st.one_of(_listed(_TEXT), _words(_LIKES, _PATTERN))),
    _words("stage", st.sampled_from(["=", "!="]), st.sampled_from(STAGES).map(_quoted)),
    _words("seq", _COMPARING, st.integers(0, 11).map(str)),
    _words("approved_at", _COMPARING, "'2026-01-01'"),
)
ANY_FILTER = st.recursive(
    ONE_COMPARISON,
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({' '.join(t)})"),
    ),
    max_leaves=5,
)
ANY_ORDER = st.lists(
    _words(
        st.sampled_from(["metrics.a", "metrics.b", "tags.a", "params.b", "seq", "run_id", "name"]),
        st.sampled_from(["ASC", "DESC"]),
    ),
    max_size=3,
    unique_by=lambda text: text.split()[0],
)
