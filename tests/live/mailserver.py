"""Real mail on loopback: Debian's aiosmtpd takes it into Maildirs, Debian's dovecot serves them over IMAP."""

from __future__ import annotations

import datetime as dt
import imaplib
import ipaddress
import os
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.workers import children
from tests.live.peers import SCRIPTS, UP_WITHIN, free_port

PASSWORD = "loopback-pw-1"
PACKAGES = ("dovecot-imapd", "python3-aiosmtpd")


class MailServer:
    """Both servers, with a mailbox per name in ``users``; ``ca`` is who signed their certificate."""

    def __init__(self, users: tuple[str, ...]) -> None:
        self.users = users
        self.home = Path(tempfile.mkdtemp(prefix="tandem-mail-"))
        self.smtp_port, self.imap_port, self.imaps_port = free_port(), free_port(), free_port()
        self.ca = self.home / "cert.pem"
        self._processes: list[subprocess.Popen[bytes]] = []

    @staticmethod
    def missing() -> str:
        """Why it cannot be started here, or nothing."""
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Status}\n", *PACKAGES], capture_output=True)
        there = {line.split()[0] for line in asked.stdout.decode().splitlines() if line.endswith(" installed")}
        absent = [package for package in PACKAGES if package not in there]
        if absent:
            return f"mail needs the packages {' '.join(absent)} (scripts/system-packages)"
        return "" if os.geteuid() == 0 else "dovecot begins as root only"

    def up(self) -> None:
        self.home.chmod(0o755)
        for folder in (
            "log",
            "run",
            "app",
            *(f"box/{user}/{part}" for user in self.users for part in ("new", "cur", "tmp")),
        ):
            (self.home / folder).mkdir(parents=True)
        self.passwords(PASSWORD)
        shutil.copy(SCRIPTS / "mail_peer.py", self.home / "app")
        for folder in (self.home / "box", self.home / "log"):
            subprocess.run(["chown", "-R", "mail:mail", str(folder)], check=True)
        self._certify()
        config = (SCRIPTS / "dovecot.conf").read_text()
        for name, value in (("HOME", self.home), ("TLS_PORT", self.imaps_port), ("PORT", self.imap_port)):
            config = config.replace(f"@{name}@", str(value))
        (self.home / "dovecot.conf").write_text(config)
        smtp = ["setpriv", "--reuid=mail", "--regid=mail", "--clear-groups", "/usr/bin/python3", "-m", "aiosmtpd", "-n"]
        smtp += ["-l", f"127.0.0.1:{self.smtp_port}", "-c", "mail_peer.Maildirs", str(self.home / "box")]
        imap = ["/usr/sbin/dovecot", "-F", "-c", str(self.home / "dovecot.conf")]
        environ = {**os.environ, "PYTHONPATH": str(self.home / "app")}
        for name, argv in (("smtp", smtp), ("imap", imap)):
            log = self.home / "log" / f"{name}.out"
            self._processes.append(children.spawn(argv, environ, log=log, cwd=self.home / "app"))
        until = time.monotonic() + UP_WITHIN
        while not self._answers():
            if time.monotonic() > until:
                told = "\n".join(path.read_text(errors="replace")[-2000:] for path in self.home.glob("log/*"))
                self.down()
                raise RuntimeError(f"the mail servers did not come up:\n{told}")
            time.sleep(0.1)

    def version(self) -> str:
        """Of what Debian installed."""
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}\n", *PACKAGES], capture_output=True, check=True)
        numbers = [re.split(r"[-+~]", line.partition(":")[2] or line)[0] for line in asked.stdout.decode().splitlines()]
        return f"through dovecot {numbers[0]} and aiosmtpd {numbers[1]}"

    def passwords(self, word: str) -> None:
        """Everybody signs in with ``word`` from now on."""
        (self.home / "passwd").write_text("".join(f"{user}:{{PLAIN}}{word}::::::\n" for user in self.users))

    def empty(self, user: str) -> None:
        """Gives a user a mailbox in which nothing ever lay."""
        box = self.home / "box" / user
        fresh = self.home / "box" / f"{user}.{uuid4().hex}"
        for part in ("new", "cur", "tmp"):
            (fresh / part).mkdir(parents=True)
        subprocess.run(["chown", "-R", "mail:mail", str(fresh)], check=True)
        if box.is_symlink():
            box.unlink()
        else:
            shutil.rmtree(box)
        box.symlink_to(fresh)

    def down(self) -> None:
        for process in self._processes:
            children.stop(process, grace=10)
        shutil.rmtree(self.home, ignore_errors=True)

    def drop_next(self) -> None:
        """The next mail is delivered, and its answer never sent."""
        (self.home / "box" / "drop").touch()

    def read(self, user: str) -> list[EmailMessage]:
        """All mails of a mailbox, as their owner sees them."""
        return [message_from_bytes(raw, policy=policy.default) for _, _, raw in self.lying(user)]

    def lying(self, user: str, after: int = 0) -> list[tuple[int, dt.datetime, bytes]]:
        """Number, time and bytes of all mails of a mailbox that came ``after`` the one of that number."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=30) as box:
            box.login(user, self._password())
            box.select("INBOX")
            found = box.uid("FETCH", f"{after + 1}:*", "(UID INTERNALDATE BODY.PEEK[])")[1]
        rows = [_row(*row) for row in found if isinstance(row, tuple)]
        return [row for row in rows if row[0] > after]

    def _password(self) -> str:
        return (self.home / "passwd").read_text().partition("{PLAIN}")[2].partition(":")[0]

    def hand_over(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """As another mail server would."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as smtp:
            smtp.sendmail(sender, recipients, raw)

    def send(self, mail: EmailMessage) -> None:
        """As a mail program would."""
        mail["Message-ID"] = make_msgid(domain="provider.example.test")
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30) as smtp:
            smtp.send_message(mail)

    def _answers(self) -> bool:
        try:
            self.read(self.users[0])
            with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5):
                return True
        except (OSError, imaplib.IMAP4.error):
            return False

    def _certify(self) -> None:
        """A certificate for this machine that signed itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
        now = dt.datetime.now(dt.UTC)
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.home / "key.pem").write_bytes(key.private_bytes(*form))


def _row(told: bytes, raw: bytes) -> tuple[int, dt.datetime, bytes]:
    uid, at = re.search(rb"UID (\d+)", told), re.search(rb'INTERNALDATE "([^"]+)"', told)
    assert uid and at, told
    return int(uid[1]), dt.datetime.strptime(at[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z"), raw
