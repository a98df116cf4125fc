"""What every test may ask for: the long form of a run, and hypothesis without a clock on a shared machine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("tandem", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tandem")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the long forms: all tickets, all runs, all crash points")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this is ``make live`` or ``make campaign`` rather than ``make test``."""
    return bool(request.config.getoption("--full"))
