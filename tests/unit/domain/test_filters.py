"""The search language reads what its grammar says and points at the column of every fault."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain import filters
from lockgate.domain.filter_fields import (
    ANY_ONE,
    ANY_RUN,
    PATTERN_CHARS_MAX,
    case_variants,
    pattern_parts,
)
from lockgate.domain.filters import (
    EVERYTHING,
    And,
    Comparison,
    Field,
    Filter,
    Not,
    Or,
    Order,
    parse_filter,
    parse_order_by,
)
from lockgate.domain.names import INT64_MAX, INT64_MIN
from lockgate.errors import InvalidFilter, InvalidInput, LimitExceeded


def one(kind: str, op: filters.Operator, *values: Any, key: str | None = None) -> Comparison:
    return Comparison(Field(kind, key), op, values)


A = one("name", "=", "a")
B = one("version", "=", "b")
C = one("project", "=", "c")


def fault(text: Any, scope: filters.Scope = "versions") -> tuple[int, str]:
    """Return the column and the first line of the refusal of ``text``."""
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text, scope)
    return caught.value.fields["column"], caught.value.fields["detail"].splitlines()[0]


# --- what is read ----------------------------------------------------------------------------


def test_the_example_of_the_manual_is_read() -> None:
    """Metrics, tags, stages and times combine with AND."""
    tree = parse_filter(
        "metrics.accuracy > 0.9 and tags.team = 'risk' and stage = 'Production' "
        "and created_at >= '2026-01-01'"
    )
    assert tree == And(
        (
            one("metrics", ">", 0.9, key="accuracy"),
            one("tags", "=", "risk", key="team"),
            one("stage", "=", "Production"),
            one("created_at", ">=", datetime(2026, 1, 1, tzinfo=UTC)),
        )
    )


@pytest.mark.parametrize("text", ["", "  \n\t ", None])
def test_a_blank_filter_matches_everything(text: str | None) -> None:
    """Nothing written means nothing excluded."""
    assert parse_filter(text) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("{a} or {b} and {c}", Or((A, And((B, C))))),
        ("({a} or {b}) and {c}", And((Or((A, B)), C))),
        ("not {a} and {b}", And((Not(A), B))),
        ("not ({a} and {b})", Not(And((A, B)))),
        ("NOT NOT {a}", Not(Not(A))),
        ("{a} AND ({b} and {c})", And((A, B, C))),
        ("(({a}))", A),
    ],
)
def test_not_binds_before_and_and_and_before_or(text: str, tree: Filter) -> None:
    """Precedence is NOT, AND, OR; parentheses override it; equal connectives are flattened."""
    assert parse_filter(text.format(a="name='a'", b="version='b'", c="project='c'")) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("seq == 3", one("seq", "=", 3)),
        ("seq <> 3", one("seq", "!=", 3)),
        ("seq!=3", one("seq", "!=", 3)),
        ("seq<=3", one("seq", "<=", 3)),
        ("SEQ > +3", one("seq", ">", 3)),
        ("name IN ('a', \"b\")", one("name", "in", "a", "b")),
        ("name in('a')", one("name", "in", "a")),
        ("name NOT IN ('a')", Not(one("name", "in", "a"))),
        ("name LIKE 'a%'", one("name", "like", "a%")),
        ("name nOt iLiKe 'a_'", Not(one("name", "ilike", "a_"))),
        ("run_id is null", one("run_id", "null")),
        ("tags.a IS NOT NULL", Not(one("tags", "null", key="a"))),
        ("alias = 'champion'", one("alias", "=", "champion")),
        ("stage like 'prod%'", one("stage", "like", "prod%")),
    ],
)
def test_every_operator_is_read_in_any_case(text: str, tree: Filter) -> None:
    """Spellings of one operator give one tree; keywords are read in any case."""
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("metrics.acc > 1", "acc"),
        ("metrics.eval/loss:top-5@2 > 1", "eval/loss:top-5@2"),
        ("metrics.a.b.c > 1", "a.b.c"),
        ("metrics.5 > 1", "5"),
        ("metrics.`val acc` > 1", "val acc"),
        ('metrics."val acc" > 1', "val acc"),
        ("metrics.`a``b` > 1", "a`b"),
        ('metrics."a""b" > 1', 'a"b'),
        ("metrics.Größe > 1", "Größe"),
        ("metrics.Gro\u0308ße > 1", "Größe"),
        ("metrics.and > 1", "and"),
    ],
)
def test_keys_may_be_bare_or_quoted(text: str, key: str) -> None:
    """A key is exact, with odd characters between backquotes or quotes, in NFC."""
    assert parse_filter(text) == one("metrics", ">", 1, key=key)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it''s'", "it's"),
        ('"say ""hi"""', 'say "hi"'),
        ("''", ""),
        ("'e\u0301'", "é"),
        (str(INT64_MAX), INT64_MAX),
        (str(INT64_MIN), INT64_MIN),
        ("-0012", -12),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2.5e-3", -0.0025),
        ("1E3", 1000.0),
        ("TRUE", True),
        ("false", False),
    ],
)
def test_literals_keep_their_type_and_value(literal: str, value: object) -> None:
    """Integers are exact to 64 bits, a point or exponent makes a float, quotes double."""
    tree = parse_filter(f"params.p = {literal}")
    assert isinstance(tree, Comparison)
    assert [(type(v), v) for v in tree.values] == [(type(value), value)]


def test_a_time_is_read_in_utc() -> None:
    """Zones are converted; a time without one is UTC."""
    assert parse_filter("created_at < '2026-03-01T02:30+02:00'") == one(
        "created_at", "<", datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    )


def test_a_comparison_knows_its_column() -> None:
    """The tree says where each comparison began, so that later faults can point at it."""
    tree = parse_filter("name = 'a' and  version = 'b'")
    assert isinstance(tree, And)
    assert [term.column for term in tree.terms if isinstance(term, Comparison)] == [1, 17]


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "detail"),
    [
        ("metrcs.acc > 0.9", 1, "unknown field 'metrcs.acc'; did you mean metrics.acc?"),
        ("name='a' and stag = 'x'", 14, "unknown field 'stag'; did you mean stage?"),
        ("owner = 'ana'", 1, "unknown field 'owner'; versions have name,"),
        ("metrics > 1", 1, "'metrics' needs a key, as in metrics.KEY"),
        ("name.x = 'a'", 1, "'name' has no keys; write name alone"),
        ("name. = 'a'", 6, "a key must follow 'name.'"),
        ("stage = Production", 9, "text needs quotes: 'Production'"),
        ("'a' = name", 1, "expected a field here, as in stage = 'Production', found 'a'"),
        ("and", 1, "expected a field here, as in stage = 'Production', found 'and'"),
        ("name = 'a' and", 15, "expected a field here, as in stage = 'Production', found the end"),
        ("name", 5, "expected an operator such as =, >=, IN or LIKE after name, found the end"),
        ("name not = 'a'", 10, "expected IN, LIKE or ILIKE after name, found '='"),
        ("name =", 7, "expected a value such as 'text' or 0.9, found the end"),
        ("name = 'a' 'b'", 12, "expected AND, OR or the end, found 'b'"),
        ("name = 'a')", 11, "this parenthesis was never opened"),
        ("(name = 'a'", 1, "this parenthesis is never closed"),
        ("(name = 'a' name", 13, "expected AND, OR or ), found 'name'"),
        ("name = 'a", 8, "the quote ' is never closed"),
        ("name = 'a''", 8, "the quote ' is never closed"),
        ("metrics.`a > 1", 9, "the quote ` is never closed"),
        ("`name` = 'a'", 1, "backquotes hold a key, as in metrics.`val acc`"),
        ("name = 'a'; drop table", 11, "unexpected character ';'"),
        ("name = 'a\x00'", 8, "text contains the control character '\\x00'"),
        ("metrics.` a` > 1", 9, "key ' a' begins or ends with a space"),
        ("metrics.a > 12abc", 13, "a number ends here in letters; put text between quotes"),
        ("metrics.a > 1e999", 13, "the number is too large; the largest is about 1.8e308"),
        (f"seq = {INT64_MAX + 1}", 7, "the integer does not fit in 64 bits; write it with a point"),
        ("seq = " + "9" * 5000, 7, "the integer does not fit in 64 bits; write it with a point"),
        ("metrics.a > nan", 13, "text needs quotes: 'nan'"),
        ("metrics.a > '1'", 13, "metrics.a is a number; '1' is not one"),
        ("metrics.a = true", 13, "metrics.a is a number; 'true' is not one"),
        ("metrics.a LIKE '1%'", 11, "LIKE compares text, and metrics.a is a number"),
        ("seq > 1.5", 7, "seq is a whole number; '1.5' is not one"),
        ("version = 3", 11, "version is text; write '3'"),
        ("tags.n = 3", 10, "tags.n is text; write '3'"),
        ("created_at > 'soon'", 14, "created_at must be an ISO 8601 time such as"),
        ("created_at > 2026", 14, "created_at is a time; write '2026-01-01' or"),
        ("created_at > '0001-01-01T00:00+14:00'", 14, "created_at is out of range"),
        ("name LIKE 3", 11, "LIKE wants a pattern in quotes, such as 'churn%'"),
        ("name LIKE 'a\\'", 11, "the pattern ends in a lone backslash"),
        ("params.a < true", 12, "true and false have no order; compare with =, != or IN"),
        ("run_id = null", 10, "nothing equals NULL; IS NULL asks whether it is absent"),
        ("name is null", 6, "name is never absent, so IS NULL says nothing"),
        ("run_id is 'a'", 11, "expected NULL or NOT NULL after IS, found 'a'"),
        ("stage < 'Production'", 7, "stages have no order here; compare stage with =, != or IN"),
        ("alias != 'x'", 7, "a thing may have several of alias, so != is ambiguous; write"),
        ("name in 'a'", 9, "expected ( after IN, found 'a'"),
        ("name in ()", 10, "expected a value such as 'text' or 0.9, found ')'"),
        ("name in ('a' 'b')", 14, "expected , or ) in the list, found 'b'"),
        ("name in ('a',)", 14, "expected a value such as 'text' or 0.9, found ')'"),
    ],
)
def test_a_fault_names_its_column_and_the_remedy(text: str, column: int, detail: str) -> None:
    """Each refusal points at the character at fault and says what would be right."""
    found_column, found_detail = fault(text)
    assert (found_column, found_detail[: len(detail)]) == (column, detail)


def test_the_fault_is_shown_under_its_line() -> None:
    """The detail ends in the text and a caret below the column."""
    with pytest.raises(InvalidFilter) as caught:
        parse_filter("name = 'a' and stag = 'x'")
    assert str(caught.value) == (
        "unknown field 'stag'; did you mean stage? (column 16)\n"
        "  name = 'a' and stag = 'x'\n"
        "                 ^"
    )


@given(before=st.integers(0, 300), after=st.integers(0, 300))
def test_the_caret_of_a_long_text_still_stands_under_the_fault(before: int, after: int) -> None:
    """Of a long text a window is shown, and the caret points at the same character in it."""
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(" " * before + ";" + "\n" * after)
    _, shown, caret = str(caught.value).splitlines()
    assert caught.value.fields["column"] == before + 1
    assert shown[caret.index("^")] == ";"
    assert len(shown) <= 74


def test_models_have_fields_of_their_own() -> None:
    """Owners belong to models, metrics to versions; stages and aliases of models are several."""
    assert parse_filter("owner = 'ana' and stage is null", "models") == And(
        (one("owner", "=", "ana"), one("stage", "null"))
    )
    assert fault("metrics.a > 1", "models")[0] == 1
    assert fault("stage != 'x'", "models")[0] == 7


@pytest.mark.parametrize("value", [3, b"name = 'a'", ["name = 'a'"]])
def test_a_filter_must_be_text(value: object) -> None:
    """Another type is refused as input, not as a crash."""
    with pytest.raises(InvalidInput, match="filter must be text"):
        parse_filter(value)


# --- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("(" * 10_000, filters.DEPTH_MAX + 1),
        ("not " * 2_500, 4 * filters.DEPTH_MAX + 1),
        ("(not " * 2_000, 5 * (filters.DEPTH_MAX // 2) + 1),
    ],
)
def test_nesting_is_limited(text: str, column: int) -> None:
    """Hostile nesting is refused at the level that is one too many."""
    found, detail = fault(text)
    assert (found, detail[:38]) == (column, "nested more than 32 levels deep (colum")


def test_siblings_do_not_count_as_nesting() -> None:
    """Parentheses beside each other may be many."""
    text = " or ".join(["(not (name = 'a'))"] * 50)
    assert parse_filter(text) == Or((Not(A),) * 50)


def test_the_number_of_comparisons_is_limited() -> None:
    """As many comparisons as allowed pass, one more is refused where it begins."""
    most = " or ".join(["name='a'"] * filters.TERMS_MAX)
    assert parse_filter(most) == Or((A,) * filters.TERMS_MAX)
    assert fault(most + " or name='a'")[0] == len(most) + 5


def test_the_length_of_a_list_is_limited() -> None:
    """As many values as allowed pass, one more is refused where it stands."""
    most = "seq in (" + ",".join(["1"] * filters.IN_VALUES_MAX)
    assert parse_filter(most + ")") == one("seq", "in", *[1] * filters.IN_VALUES_MAX)
    assert fault(most + ",1)")[0] == len(most) + 2


def test_the_length_of_a_pattern_is_limited() -> None:
    """A pattern that a database would compile for long is refused."""
    assert fault(f"name like '{'%a' * PATTERN_CHARS_MAX}'")[0] == 11


def test_the_length_of_the_text_is_limited() -> None:
    """A text over the limit is refused unread."""
    with pytest.raises(LimitExceeded, match="The length of filter is 10001"):
        parse_filter("(" * 10_001)
    with pytest.raises(LimitExceeded, match="The length of order_by is 10001"):
        parse_order_by(["a" * 10_001])


# --- any text, any tree ----------------------------------------------------------------------

_PIECES = st.one_of(
    st.sampled_from(["name", "stage", "metrics.a", "params.`b", 'tags."c"', "created_at"]),
    st.sampled_from(["and", "or", "not", "in", "like", "is", "null", "(", ")", ",", "=", "<"]),
    st.sampled_from(["'x'", "1", "-2.5e3", "true", "'", '"', "`", ".", "\\", "\x00", "\ud800"]),
)


@given(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=25).map(" ".join)))
def test_any_text_is_read_or_refused_at_a_column_within_it(text: str) -> None:
    """No text crashes the parser, and a fault lies in the text or right behind it."""
    columns = []
    try:
        parse_filter(text)
    except InvalidFilter as error:
        columns.append(error.fields["column"])
    assert [c for c in columns if not 1 <= c <= len(text) + 1] == []


_KEYS = st.text("ab ./`\"'-é", min_size=1, max_size=6).filter(lambda key: key == key.strip())
_TEXTS = st.text("ab'\"%_é ", max_size=5)
_NUMBERS = st.one_of(
    st.integers(INT64_MIN, INT64_MAX), st.floats(allow_nan=False, allow_infinity=False)
)
_COMPARISONS = st.one_of(
    st.builds(one, st.just("metrics"), st.sampled_from(["=", "<", ">="]), _NUMBERS, key=_KEYS),
    st.builds(one, st.just("params"), st.just("!="), st.one_of(_NUMBERS, _TEXTS), key=_KEYS),
    st.builds(one, st.just("tags"), st.sampled_from(["like", "ilike", "<"]), _TEXTS, key=_KEYS),
    st.builds(one, st.just("tags"), st.just("null"), key=_KEYS),
    st.builds(one, st.just("created_at"), st.just("<="), st.datetimes(timezones=st.just(UTC))),
    st.lists(_TEXTS, min_size=1, max_size=3).map(lambda values: one("name", "in", *values)),
)


def _join(terms: list[Filter], join: type[And] | type[Or]) -> Filter:
    flat = [t for term in terms for t in (term.terms if isinstance(term, join) else (term,))]
    return join(tuple(flat))


_TREES = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: _join(terms, And)),
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: _join(terms, Or)),
    ),
    max_leaves=8,
)


def written(tree: Filter) -> str:
    """Return a text that means ``tree``."""
    match tree:
        case And(terms):
            return "(" + " AND ".join(map(written, terms)) + ")"
        case Or(terms):
            return "(" + " OR ".join(map(written, terms)) + ")"
        case Not(term):
            return f"NOT {written(term)}"
        case Comparison(field, "null", ()):
            return f"{field} IS NULL"
        case Comparison(field, "in", values):
            return f"{field} IN ({', '.join(map(literal, values))})"
        case Comparison(field, op, (value,)):
            return f"{field} {op} {literal(value)}"
    raise AssertionError(tree)


def literal(value: object) -> str:
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


@given(_TREES)
def test_a_written_tree_is_read_back_unchanged(tree: Filter) -> None:
    """Writing a tree as text and reading it gives the same tree, values exact."""
    assert parse_filter(written(tree)) == tree


# --- order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        "metrics.accuracy DESC, created_at",
        " metrics.`accuracy` desc ,created_at asc",
        ["metrics.accuracy DESC", "created_at"],
    ],
)
def test_an_order_is_read_from_text_or_a_list(order: str | list[str]) -> None:
    """Several spellings of one order give the same keys."""
    assert parse_order_by(order) == (
        Order(Field("metrics", "accuracy"), descending=True),
        Order(Field("created_at"), descending=False),
    )


@pytest.mark.parametrize("order", [None, "", " ", []])
def test_no_order_gives_no_keys(order: str | list[str] | None) -> None:
    """The default order is the store's to choose."""
    assert parse_order_by(order) == ()


@pytest.mark.parametrize(
    ("order", "column", "detail"),
    [
        ("nme", 1, "unknown field 'nme'; did you mean name?"),
        ("name down", 6, "expected ASC, DESC, a comma or the end, found 'down'"),
        ("name,", 6, "expected a field here, as in name DESC, found the end"),
        ("name, name desc", 7, "name is there twice"),
        ("alias", 1, "a thing may have several of alias, so it gives no order"),
        (["name", "'x'"], 7, "expected a field here, as in name DESC, found 'x'"),
        (["name", ""], 7, "expected a field here, as in name DESC, found the end"),
        ([f"tags.k{i}" for i in range(9)], 73, "more than 8 keys to sort by"),
    ],
)
def test_a_fault_in_an_order_names_its_column(
    order: str | list[str], column: int, detail: str
) -> None:
    """Refusals of an order point at the column too."""
    with pytest.raises(InvalidFilter) as caught:
        parse_order_by(order)
    assert caught.value.fields["column"] == column
    assert caught.value.fields["detail"][: len(detail)] == detail
    assert caught.value.fields["field"] == "order_by"


# --- patterns --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("a%b_", ("a", ANY_RUN, "b", ANY_ONE)),
        ("%%%", (ANY_RUN,)),
        (r"100\%\_\\", ("1", "0", "0", "%", "_", "\\")),
        (r"\a", ("a",)),
        ("", ()),
    ],
)
def test_a_pattern_is_characters_and_wildcards(pattern: str, parts: tuple[object, ...]) -> None:
    """A backslash takes the next character literally; runs of % are one."""
    assert pattern_parts(pattern) == parts


def test_case_variants_are_single_characters_of_any_script() -> None:
    """Letters have their other case, other characters only themselves."""
    assert [case_variants(char) for char in "aÉß1-σ"] == ["Aa", "Éé", "ß", "1", "-", "Σσ"]
