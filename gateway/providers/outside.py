"""Connectors that are not shipped: taken from the folders that the configuration lists, and from nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from connectors import registry
from connectors.registry import BadManifest
from gateway.errors import ConfigError

VARIABLE = "TANDEM_CONNECTORS"


def take(folders: Iterable[Path]) -> None:
    """Make their kinds known to this process. Raises ConfigError."""
    for folder in folders:
        try:
            registry.add(folder)
        except BadManifest as error:
            raise ConfigError("its manifest is none", VARIABLE, str(folder), str(error)) from None
        except KeyError as error:
            fix = "Give it another kind in its manifest."
            raise ConfigError(f"the kind {error.args[0]} is shipped with Tandem", VARIABLE, str(folder), fix) from None
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", VARIABLE, str(folder), "See its rights.") from None
