"""A: signing in, staying signed in, and keeping secrets."""

from __future__ import annotations

from connectors.contract.rehearsal import ends
from connectors.contract.renewals import Renewals
from connectors.errors import Outcome, Unauthorized


class SignIns(Renewals):
    def test_a01_a_good_sign_in_is_taken(self) -> None:
        assert self.desk.check(self.ctx()).me

    def test_a02_wrong_secrets_are_unauthorized(self) -> None:
        wrong = {name: "wrong-" + "x" * 20 for name in self.sim.secrets if not name.startswith("webhook")}
        ends(Unauthorized, lambda: self.connect(secrets=wrong).check(self.ctx()))

    def test_a03_a_sign_in_that_is_revoked_ends_once_and_does_not_loop(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.revoke()
        before = len(self.sim.asked)
        ends(Unauthorized, lambda: self.record(id))
        assert len(self.sim.asked) - before <= 4

    def test_a05_a_token_that_expired_is_renewed_once(self) -> None:
        id = self.new()
        with self.theirs():
            self.sim.expire()
        before = len(self.sim.asked)
        assert self.record(id).id == id
        asked = [request.path for request in self.sim.asked[before:]]
        assert len([path for path in asked if path == asked[0]]) == 2 and len(set(asked)) >= 2, asked

    def test_a08_secrets_show_nowhere(self) -> None:
        shown = [repr(self.desk), str(self.desk), repr(vars(self.desk).get("manifest", ""))]
        self.sim.faults.plan("status", status=400, times=3)
        try:
            self.desk.check(self.ctx())
        except Outcome as end:
            shown += [end.said, repr(end)]
        for name, secret in self.sim.secrets.items():
            assert all(secret not in text for text in shown), name

    def test_a09_check_gives_every_name_of_our_own_account(self) -> None:
        me = self.desk.check(self.ctx()).me
        id = self.new()
        self.desk.update(self.ctx(), id, {self.title: "VPN still down"}, self.record(id).version)
        author = self.record(id).author
        assert author is None or author in me, f"we are {sorted(me)}, and write as {author}"
