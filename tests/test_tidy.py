"""The house is tidy: sizes, names, docstrings, floors, and the tools that say so."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "bench", "examples")
FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "shared"}


def files(*endings: str) -> list[Path]:
    """Every file of ours with one of the endings."""
    found = [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in endings and "node_modules" not in path.parts
    ]
    assert len(found) > 20
    return found


SOURCES = files(".py")


def name_of(path: Path) -> str:
    """A file's path within the project."""
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a file."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_sizes(path: Path) -> None:
    """A file and a function are short enough to be seen at once (the linter sees to lines)."""
    text = path.read_text()
    lines = text.splitlines()
    lines_max = TEST_FILE_LINES_MAX if "tests" in path.parts else FILE_LINES_MAX
    assert len(lines) <= lines_max
    big = {
        node.name: node.end_lineno - node.lineno + 1
        for node in functions(ast.parse(text))
        if node.end_lineno is not None and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    }
    assert big == {}, "functions that are too long"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_names_say_what_is_inside(path: Path) -> None:
    """No file is called by a word that says nothing, or by a number of its neighbour's name."""
    words = set(path.stem.strip("_").split("_")) | set(path.relative_to(ROOT).parts[:-1])
    assert words & VAGUE == set()
    assert not path.stem.endswith(("_2", "_new", "_old"))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_docstrings(path: Path) -> None:
    """Every module says what it is, and every test states a behaviour in one sentence."""
    text = path.read_text()
    if not text.strip():
        return  # an empty __init__.py says nothing and promises nothing
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the module has no docstring"
    if "tests" in path.parts:
        silent = [
            node.name
            for node in functions(tree)
            if node.name.startswith("test_") and not ast.get_docstring(node)
        ]
        assert silent == [], "tests that do not say what they are about"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_tests_can_fail(path: Path) -> None:
    """No test is skipped or expected to fail, and none replaces parts of what it tests."""
    if "tests" not in path.parts or path == Path(__file__):
        return
    text = path.read_text()
    for word in ("pytest.skip", "mark.skip", "importorskip", "mark.xfail", "unittest.mock"):
        assert word not in text


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("lint-imports", "--no-cache"),
        ("bandit", "-q", "-r", "src", "-ll"),
    ],
    ids=" ".join,
)
def test_tools(command: tuple[str, ...]) -> None:
    """The linter, the formatter, the floors of the house and bandit have nothing to say."""
    _run(str(Path(sys.executable).parent / command[0]), *command[1:])


def test_types() -> None:
    """Everything is typed, strictly. What has not changed since the last run is not read again."""
    _run(sys.executable, "-m", "mypy")


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
