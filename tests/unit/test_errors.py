"""Errors: one tree, codes from names, sentences from fields, and the way over the wire and back."""

from __future__ import annotations

import pickle
import re
import string
from itertools import pairwise

import pytest

from lockgate import errors
from lockgate.errors import ModelNotFound, RegistryError

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "RegistryError"]


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_code_comes_from_the_name(cls: type[RegistryError]) -> None:
    """A code is the class's name in snake case, and leads back to the class."""
    words = re.findall("[A-Z][a-z]*", cls.__name__)
    assert "_".join(words).lower() == cls.code
    error = RegistryError.from_code(cls.code, "what the server said", {"model": "x"})
    assert (cls, "what the server said", {"model": "x"}) == (type(error), str(error), error.fields)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_sentence_is_built_from_fields(cls: type[RegistryError]) -> None:
    """Every field that a sentence names is in the sentence and among the fields."""
    named = {name for _, name, _, _ in string.Formatter().parse(cls.sentence) if name}
    error = cls(**_Anything({name: f"<{name}>" for name in named}))
    assert named == set(error.fields)
    assert all(f"<{name}>" in str(error) for name in named)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_errors_cross_processes(cls: type[RegistryError]) -> None:
    """An error arrives in another process as it was."""
    error = RegistryError.from_code(cls.code, "said", {"a": [1]})
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (cls, "said", {"a": [1]}) == (type(again), str(again), again.fields)


def test_all_is_sorted_and_whole() -> None:
    """`__all__` lists every error class, in order, and each has a code of its own."""
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, RegistryError)
    }
    assert defined == set(errors.__all__)
    assert all(a < b for a, b in pairwise(errors.__all__))
    assert len(CLASSES) == len({cls.code for cls in CLASSES})


def test_the_drawing_is_the_tree() -> None:
    """The tree in the module's docstring names every class once."""
    drawn = re.findall(r"\b[A-Z]\w+", errors.__doc__.split("An error is built")[0])  # type: ignore[union-attr]
    assert sorted(errors.__all__) == sorted(name for name in drawn if hasattr(errors, name))


def test_unknown_code() -> None:
    """A code of a newer server is a plain registry error that says what the server said."""
    error = RegistryError.from_code("from_the_future", "later", {})
    assert (RegistryError, "later") == (type(error), str(error))


def test_message() -> None:
    """A message says what is missing and where."""
    assert (
        str(ModelNotFound(model="churn", project="risk"))
        == "Model 'churn' not found in project 'risk'."
    )
