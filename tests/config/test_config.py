"""Settings: what is read, what is refused and how it is said, and the secret key's life."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.errors import ConfigError

KEY = base64.b64encode(bytes(range(32))).decode()


def load(home: Path, **settings: str) -> Config:
    return Config.load({"TANDEM_HOME": str(home), **settings})


def test_the_defaults_are_the_embedded_ones(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.database_path == tmp_path / "tandem.db"
    assert config.embedded_redis and config.redis_url == f"unix://{tmp_path}/valkey.sock"
    assert config.bind == ("127.0.0.1", 8080) and config.egress_allow == () and config.crash_at == ""


def test_the_first_start_makes_a_private_key_and_the_next_one_reads_it(tmp_path: Path) -> None:
    first = load(tmp_path / "state")
    kept = tmp_path / "state" / "secret.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load(tmp_path / "state").secret == first.secret
    assert [entry.name for entry in kept.parent.iterdir()] == ["secret.key"]


def test_many_first_starts_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {config.secret for config in pool.map(lambda _: load(tmp_path), range(16))}
    assert len(keys) == 1


def test_a_database_without_its_key_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "tandem.db").touch()
    with pytest.raises(ConfigError, match="key is not") as caught:
        load(tmp_path)
    assert caught.value.fix
    assert not (tmp_path / "secret.key").exists()


def test_nothing_is_made_when_only_looking(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no key yet"):
        Config.load({"TANDEM_HOME": str(tmp_path / "new")}, create=False)
    assert not (tmp_path / "new").exists()


def test_postgresql_needs_its_key_from_outside(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TANDEM_SECRET_KEY"):
        load(tmp_path, TANDEM_DATABASE_URL="postgresql://u:p@h/n")
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_every_spelling_of_postgresql_gets_the_driver(tmp_path: Path, prefix: str) -> None:
    config = load(tmp_path, TANDEM_DATABASE_URL=f"{prefix}u:p@h/n", TANDEM_SECRET_KEY=KEY)
    assert config.database_url == "postgresql+psycopg://u:p@h/n"
    assert config.database_path is None


def test_the_key_comes_from_the_variable_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    named = load(tmp_path, TANDEM_SECRET_KEY_FILE=str(tmp_path / "key"))
    assert named.secret == load(tmp_path, TANDEM_SECRET_KEY=KEY).secret == bytes(range(32))


@pytest.mark.parametrize("text", ["short", KEY[:-4], KEY + KEY, "ключ", "!" * 44])
def test_a_key_of_another_shape_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, TANDEM_SECRET_KEY=text)
    assert caught.value.field == "TANDEM_SECRET_KEY" and text not in str(caught.value)


def test_keys_differ_by_purpose_and_not_by_time(tmp_path: Path) -> None:
    config = load(tmp_path, TANDEM_SECRET_KEY=KEY)
    purposes = [config.key(name) for name in ("seal", "audit", "session")]
    assert len(set(purposes)) == 3 and all(len(key) == 32 for key in purposes)
    assert config.key("seal") == load(tmp_path, TANDEM_SECRET_KEY=KEY).key("seal")
    assert config.secret not in purposes


def test_secrets_stay_out_of_the_representation(tmp_path: Path) -> None:
    shown = repr(load(tmp_path, TANDEM_SECRET_KEY=KEY, TANDEM_REDIS_URL="redis://:hunter2@h:6379/0"))
    assert "hunter2" not in shown and KEY not in shown and "secret=" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TANDEM_BIND", "8080"),
        ("TANDEM_BIND", "127.0.0.1:"),
        ("TANDEM_BIND", "127.0.0.1:70000"),
        ("TANDEM_DATABASE_URL", "mysql://root:hunter2@h/n"),
        ("TANDEM_DATABASE_URL", "sqlite:///"),
        ("TANDEM_REDIS_URL", "http://:hunter2@h"),
        ("TANDEM_EGRESS_ALLOW", "desk.example"),
        ("TANDEM_EGRESS_ALLOW", "10.0.0.1/16:443"),
        ("TANDEM_EGRESS_ALLOW", "desk.example:0"),
        ("TANDEM_SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_bad_value_names_its_variable_and_the_way_out(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{name: value})
    assert caught.value.field == name and caught.value.fix
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "bind"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8081", ("::1", 8081)), ("localhost:0", ("localhost", 0))],
)
def test_addresses_to_listen_on(tmp_path: Path, text: str, bind: tuple[str, int]) -> None:
    assert load(tmp_path, TANDEM_BIND=text).bind == bind


def test_a_socket_path_too_long_for_the_kernel_gives_way_to_the_noted_address(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100)
    assert load(home).redis_url == ""
    (home / "valkey.url").write_text("redis://:pw@127.0.0.1:7001/0\n")
    assert load(home).redis_url == "redis://:pw@127.0.0.1:7001/0"


def test_a_child_loads_the_same_settings(tmp_path: Path) -> None:
    config = load(tmp_path, TANDEM_EGRESS_ALLOW="a.example:443").bound_to("::1", 9000).allowing("127.0.0.1:9001")
    child = Config.load(config.child_environment())
    assert (child.home, child.bind, child.secret) == (config.home, ("::1", 9000), config.secret)
    assert child.egress_allow == ("a.example:443", "127.0.0.1:9001")


def test_proxies_are_believed_only_where_they_are_counted(tmp_path: Path) -> None:
    env = {"TANDEM_HOME": str(tmp_path)}
    assert Config.load(env).trusted_proxies == 0
    assert Config.load({**env, "TANDEM_TRUSTED_PROXIES": " 2 "}).trusted_proxies == 2
    for wrong in ("yes", "-1", "1.5", "10", "²"):
        with pytest.raises(ConfigError, match="TANDEM_TRUSTED_PROXIES"):
            Config.load({**env, "TANDEM_TRUSTED_PROXIES": wrong})
