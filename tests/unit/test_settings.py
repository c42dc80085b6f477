"""Settings: from the environment, once, with every fault named."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lockgate.domain.names import Limits
from lockgate.errors import InvalidSetting
from lockgate.settings import Settings


def test_defaults() -> None:
    """An empty environment gives the defaults."""
    assert Settings() == Settings.from_environ({"PATH": "/bin", "HOME": "/root"})


def test_from_environ() -> None:
    """Text, numbers and limits are read by their names."""
    settings = Settings.from_environ(
        {
            "LOCKGATE_DATABASE": "postgresql://db/x",
            "LOCKGATE_PORT": "0",
            "LOCKGATE_BUSY_S": "1.5",
            "LOCKGATE_LABEL_CHARS_MAX": "80",
            "LOCKGATE_TEST_POSTGRES_URL": "postgresql://elsewhere",
        }
    )
    assert settings == Settings(
        database="postgresql://db/x", port=0, busy_s=1.5, limits=Limits(label_chars_max=80)
    )


def test_zero_is_no_limit_where_none_is_the_default() -> None:
    """A limit that is off unless set can be switched off again."""
    assert Settings.from_environ({"LOCKGATE_CACHE_MODELS_MAX": "0"}) == Settings()
    assert Settings.from_environ({"LOCKGATE_CACHE_UNUSED_S_MAX": "0"}) == Settings()


@pytest.mark.parametrize("limit", [each.name for each in fields(Limits)])
def test_every_limit_is_a_setting(limit: str) -> None:
    """Each limit has a variable of its own."""
    settings = Settings.from_environ({f"LOCKGATE_{limit.upper()}": "7"})
    assert getattr(settings.limits, limit) == 7


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("LOCKGATE_PROT", "8000", "there is no such setting"),
        ("LOCKGATE_LIMITS", "1", "there is no such setting"),
        ("LOCKGATE_PORT", "http", "a whole number, not 'http'"),
        ("LOCKGATE_PORT", "80.5", "a whole number, not '80.5'"),
        ("LOCKGATE_PORT", "-1", "from 0 to 65535"),
        ("LOCKGATE_PORT", "70000", "from 0 to 65535"),
        ("LOCKGATE_BUSY_S", "soon", "a number, not 'soon'"),
        ("LOCKGATE_BUSY_S", "nan", "it must be more than zero"),
        ("LOCKGATE_BUSY_S", "inf", "it must be more than zero"),
        ("LOCKGATE_BODY_BYTES_MAX", "0", "it must be more than zero"),
        ("LOCKGATE_LABEL_CHARS_MAX", "-5", "it must be more than zero"),
    ],
)
def test_faults_name_the_variable(variable: str, value: str, why: str) -> None:
    """An unknown variable or an unusable value is refused, naming the variable."""
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environ({variable: value})
    assert variable in str(caught.value)
    assert why in str(caught.value)
