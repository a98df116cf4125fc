"""Real desks on loopback: a Request Tracker 5 and a Redmine from Debian's packages, each with state of its own.

A server is prepared once per test session in a template folder and copied from there, so that a second one, or a fresh
one, is up in seconds. Seeded: queue or project "Escalations", user ``gateway`` (the connector's) and ``paula`` (the
provider's agent), custom fields External Reference, Impact, Urgency and Asset Tag. Webhooks carry ``X-RT-Timestamp``
and ``X-RT-Signature: sha256=hex(hmac(secret, timestamp + "." + body))``; a webhook that fails is never sent again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from gateway.workers import children

SCRIPTS = Path(__file__).parent / "servers"
UP_WITHIN = 60.0
"""Seconds in which a started server must answer."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One desk: ``up`` (idempotent), ``kill`` (as a power cut would), ``down``; ``url`` stays the same throughout."""

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    secrets: dict[str, str]
    """What each user signs in with, by user name."""

    def __init__(self, home: Path, template: Path) -> None:
        self.home = home
        self.template = template
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str:
        """Why this server cannot be started here, or nothing."""
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Status}\n", *cls.packages], capture_output=True)
        there = {line.split()[0] for line in asked.stdout.decode().splitlines() if line.endswith(" installed")}
        absent = [package for package in cls.packages if package not in there]
        return f"{cls.name} needs the packages {' '.join(absent)} (scripts/system-packages)" if absent else ""

    def version(self) -> str:
        """Of what Debian installed: ``5.0.3``, without Debian's own number."""
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}", self.packages[0]], capture_output=True, check=True)
        return re.split(r"[-+~]", asked.stdout.decode())[0]

    def up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if not self.home.exists():
            self._copy_template()
        self.process = self.start()
        until = time.monotonic() + UP_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.down()
                raise RuntimeError(f"{self.name} did not come up:\n{self.log_tail()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL to the server and its workers, in the middle of whatever they do."""
        if self.process is not None:
            children.kill(self.process)
            self.process.wait()
            self.process = None

    def down(self) -> None:
        if self.process is not None:
            children.stop(self.process, grace=10)
            self.process = None

    def log_tail(self, size: int = 3000) -> str:
        return "\n".join(path.read_text(errors="replace")[-size:] for path in sorted(self.home.glob("log/*.log")))

    def webhook(self, url: str, secret: str) -> None:
        """Send every change to ``url`` from now on; needs no restart."""
        assert url.startswith("http://127.0.0.1:"), "webhooks go to loopback only"
        self.hook_file.write_text(json.dumps({"url": url, "secret": secret}))

    def webhook_off(self) -> None:
        self.hook_file.unlink(missing_ok=True)

    def call(
        self, method: str, path: str, body: object = None, who: str = "paula", **options: Any
    ) -> requests.Response:
        """One API request as a user of this desk; ``path`` begins after ``api``."""
        headers = {**self.authorization(who), "Accept": "application/json", **options.pop("headers", {})}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.api + path, json=body, headers=headers, timeout=60, **options)

    @property
    def api(self) -> str:
        raise NotImplementedError

    @property
    def hook_file(self) -> Path:
        raise NotImplementedError

    def authorization(self, who: str) -> dict[str, str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Make the template: configuration, database, users."""
        raise NotImplementedError

    def start(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _answers(self) -> bool:
        try:
            return self.call("GET", self.probe).ok
        except requests.ConnectionError:
            return False

    probe: ClassVar[str]

    def _copy_template(self) -> None:
        self.template.parent.mkdir(parents=True, exist_ok=True)
        with (self.template.parent / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.template.exists():
                self.prepare()
                self.home.rename(self.template)
        shutil.copytree(self.template, self.home)

    def _run(self, argv: list[str], cwd: Path | None = None) -> str:
        done = subprocess.run(
            argv, env=self.environ(), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            raise RuntimeError(f"{argv[0]} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def environ(self) -> dict[str, str]:
        return {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class RequestTracker(Server):
    """Request Tracker 5 with SQLite: REST2 under ``api``, one webhook per transaction."""

    name = "request-tracker"
    packages = ("request-tracker5", "rt5-db-sqlite", "rt5-standalone")
    probe = "/rt"
    queue = "Escalations"
    users = ("gateway", "paula", "root")
    zone = "UTC"

    @property
    def api(self) -> str:
        return f"{self.url}/REST/2.0"

    @property
    def hook_file(self) -> Path:
        return self.home / "var" / "webhook.json"

    @property
    def secrets(self) -> dict[str, str]:  # type: ignore[override]
        lines = (self.home / "tokens").read_text().splitlines()
        return dict(line.split("\t") for line in lines)

    def authorization(self, who: str) -> dict[str, str]:
        return {"Authorization": f"token {self.secrets[who]}"}

    def environ(self) -> dict[str, str]:
        etc = self.home / "etc"
        return {
            **super().environ(),
            "RT_SITE_CONFIG": str(etc / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(etc / "d"),
            "RT_GATEWAY_PASSWORD": "gateway-loopback-pw",
        }

    def configure(self) -> None:
        for folder in ("etc/d", "db", "mason", "session", "var", "log"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        config = (SCRIPTS / "rt_site_config.pm").read_text()
        for name, value in (("HOME", self.home), ("PORT", self.port), ("ZONE", self.zone)):
            config = config.replace(f"@{name}@", str(value))
        (self.home / "etc" / "RT_SiteConfig.pm").write_text(config)

    def prepare(self) -> None:
        self.configure()
        password = self.home / "etc" / "root-password"
        password.write_text("root-loopback-pw\n")
        setup = ["rt-setup-database-5", "--dba", "root", "--dba-password", ""]
        self._run([*setup, "--action", "init", "--root-password-file", str(password)])
        self._run([*setup, "--action", "insert", "--datafile", str(SCRIPTS / "rt_initialdata.pl")])
        (self.home / "tokens").write_text(self._run(["perl", str(SCRIPTS / "rt_tokens.pl"), *self.users]))

    def start(self) -> subprocess.Popen[bytes]:
        self.configure()
        program = "/usr/share/request-tracker5/libexec/rt-server"
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        argv = [program, "--server", "Starlet", *address, "--max-workers", "2"]
        return children.spawn(argv, self.environ(), log=self.home / "log" / "server.log")


class Redmine(Server):
    """Redmine 5 with SQLite under puma; its webhook is added from outside, the package is not changed."""

    name = "redmine"
    packages = ("redmine", "redmine-sqlite", "puma")
    probe = "/users/current.json"
    project = "escalations"
    secrets: ClassVar[dict[str, str]] = {"gateway": "1" * 40, "paula": "2" * 40, "admin": "3" * 40}  # type: ignore[misc]
    application = Path("/usr/share/redmine")
    instances = Path("/var/lib/redmine")

    @classmethod
    def missing(cls) -> str:
        if reason := super().missing():
            return reason
        return "" if os.access(cls.instances, os.W_OK) else f"{cls.name} needs to write in {cls.instances}: run as root"

    @property
    def api(self) -> str:
        return self.url

    @property
    def hook_file(self) -> Path:
        return self.home / "webhook.json"

    @property
    def instance(self) -> Path:
        """The link by which Debian's package finds this state folder."""
        return self.instances / f"tandem-{self.port}"

    def authorization(self, who: str) -> dict[str, str]:
        return {"X-Redmine-API-Key": self.secrets[who]}

    def environ(self) -> dict[str, str]:
        scratch = str(self.home / "tmp")
        return {
            **super().environ(),
            "REDMINE_INSTANCE": self.instance.name,
            "RAILS_ENV": "production",
            "REDMINE_LANG": "en",
            "SCHEMA": f"{scratch}/schema.rb",
            "BOOTSNAP_CACHE_DIR": scratch,
            "HOME": scratch,
            "RM_HOME": str(self.home),
            "RM_HOST": "127.0.0.1",
            "RM_PORT": str(self.port),
            "RM_PASSWORD": "loopback-pw-1",
            "RM_GATEWAY_KEY": self.secrets["gateway"],
            "RM_AGENT_KEY": self.secrets["paula"],
            "RM_ADMIN_KEY": self.secrets["admin"],
        }

    def configure(self) -> None:
        for folder in ("config", "files", "log", "tmp/cache", "tmp/pids", "db", "public"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        database = {"adapter": "sqlite3", "database": str(self.home / "db/redmine.sqlite3"), "timeout": 10000}
        files = (
            f"default:\n  email_delivery:\n    delivery_method: :test\n  attachments_storage_path: {self.home}/files\n"
        )
        (self.home / "config/configuration.yml").write_text(files)
        # JSON is YAML: Rails reads it as it is
        (self.home / "config/database.yml").write_text(json.dumps({"production": {**database, "encoding": "utf8"}}))
        (self.home / "config/secret_key.txt").write_text("0" * 64)
        self.instance.unlink(missing_ok=True)
        self.instance.symlink_to(self.home)

    def prepare(self) -> None:
        self.configure()
        try:
            self._run(["bin/rake", "db:migrate"], cwd=self.application)
            self._run(["bin/rails", "runner", str(SCRIPTS / "redmine_seed.rb")], cwd=self.application)
        finally:
            self.instance.unlink(missing_ok=True)

    def start(self) -> subprocess.Popen[bytes]:
        self.configure()
        argv = ["puma", "-e", "production", "-b", f"tcp://127.0.0.1:{self.port}", "-t", "1:4"]
        argv += ["--dir", str(self.application), str(SCRIPTS / "redmine_peer.ru")]
        return children.spawn(argv, self.environ(), log=self.home / "log" / "server.log", cwd=self.application)

    def down(self) -> None:
        super().down()
        self.instance.unlink(missing_ok=True)


def running(kind: type[Server], factory: pytest.TempPathFactory, name: str) -> Server:
    """A server that is up, in a folder of its own; skips the test, saying why, where it cannot be had."""
    if reason := kind.missing():
        pytest.skip(reason)
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    server = kind(factory.mktemp(name) / "home", shared / "peer-templates" / kind.name)
    server.up()
    return server
