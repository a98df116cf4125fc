"""The contract suite: what every connector has to do, tried against a desk that behaves as its vendor documents.

A connector's author writes a simulator and a few lines::

    class TestAcme(Contract):
        kind = "acme"                                # shipped; or folder = Path(...), where its manifest.yaml lies
        simulator = Acme
        title, body = "summary", "details"           # catalogue names
        status = ("status", "open", "done")          # the field, where a record begins, somewhere it may go

pytest collects it as it stands; ``tandem connector check`` runs it without pytest. Each test is named by its number in
docs/connector-guide.md. What a desk lacks has to stand under ``cannot`` in its manifest: then its test is skipped with
that sentence, and fails otherwise.
"""

from __future__ import annotations

from connectors.contract.cursors import Cursors
from connectors.contract.effects import Effects
from connectors.contract.feeds import Feeds
from connectors.contract.items import Items
from connectors.contract.manifests import Manifests
from connectors.contract.oddities import Oddities
from connectors.contract.signins import SignIns
from connectors.contract.webhooks import Webhooks
from connectors.contract.wires import Wires


class Contract(Manifests, SignIns, Wires, Oddities, Effects, Items, Feeds, Cursors, Webhooks):
    """All of it."""


__all__ = ["Contract"]
