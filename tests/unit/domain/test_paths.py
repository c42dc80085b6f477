"""Paths: every trick that makes one name two files, or a file outside the folder, is refused."""

from __future__ import annotations

import pytest

from lockgate.domain.paths import PathLimits, collision_faults, path_faults

LIMITS = PathLimits()


@pytest.mark.parametrize(
    "path",
    [
        "a", "a/b.c", "model-00001-of-00002.safetensors", ".gitattributes", "é/ü.txt", "a b",
        "epoch=1-step=2.ckpt", "console.txt", "com10", "nul_", "日本語.txt", "x" * 255,
    ],
)  # fmt: skip
def test_good_paths(path: str) -> None:
    """Ordinary names of any script are accepted."""
    assert path_faults(path, LIMITS) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "empty"), ("/etc/passwd", "absolute"), ("//h/s", "empty segment"), ("a//b", "empty"),
        ("a/", "empty segment"), ("..", "'..'"), ("a/../b", "'..'"), ("./a", "'.'"),
        ("a\\b", "backslash"), ("C:/x", "colon"), ("C:x", "colon"), ("a:stream", "colon"),
        ("a\0b", "control"), ("a\nb", "control"), ("a\x7f", "control"), ("a\x85", "control"),
        ("a\u2028b", "control"), ("a\u200bb", "invisible"), ("a\u202eb", "invisible"),
        ("e\u0301", "NFC"), ("CON", "device"), ("con.txt", "device"), ("a/Nul.tar.gz", "device"),
        ("COM1", "device"), ("lpt9.x", "device"), ("com¹", "device"), ("con .x", "device"),
        ("a.", "dot or a space"), ("a /b", "dot or a space"), ("...", "dot or a space"),
        ("x" * 256, "255"), ("é" * 128, "255"), ("a/" * 600 + "a", "1024"),
        ("a/" * 40 + "a", "levels"), ("\ud800", "Unicode"),
    ],
)  # fmt: skip
def test_bad_paths(path: str, words: str) -> None:
    """Each rule that a path breaks is named."""
    assert any(words in fault for fault in path_faults(path, LIMITS))


def test_all_faults_of_a_path() -> None:
    """A path that breaks several rules is told all of them."""
    assert path_faults("/a\\b/..", LIMITS) == [
        "a backslash; separate folders by '/'",
        "absolute; a path is relative to the version's folder",
        "a segment '..'",
    ]


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a", "a"], "listed twice"),
        (["Readme", "README"], "one file"),
        (["straße", "STRASSE"], "one file"),
        (["\u00e9", "e\u0301"], "one file"),
        (["a", "a/b"], "also a folder"),
        (["A", "a/b/c"], "also a folder"),
        (["Weights/1", "weights/2"], "folders"),
    ],
)
def test_collisions(paths: list[str], words: str) -> None:
    """Paths that one disk would hold as one file, or as file and folder, are refused."""
    faults = collision_faults(paths)
    assert len(faults) == 1
    assert words in faults[0]


def test_no_collision() -> None:
    """Different paths under the same folders do not collide."""
    assert collision_faults(["a/b", "a/c", "a-b", "b/a/c", "ab"]) == []
