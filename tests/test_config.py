"""The configuration: a good one is understood, of a bad one every mistake is told at its line, and no secret gets out."""

from __future__ import annotations

import copy
import dataclasses
import io
import os
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qualitywatch.commands.check import check
from qualitywatch.config import (
    Config,
    ConsoleTarget,
    PbxConfig,
    TargetConfig,
    TelegramTarget,
    TlsConfig,
    read_config,
    read_config_and_rules,
)
from qualitywatch.config.machine import machine_timezone
from qualitywatch.errors import ConfigError
from qualitywatch.model import Severity
from qualitywatch.rules.registry import RULE_KINDS
from qualitywatch.secrets import Secret
from qualitywatch.shipped import shipped

ENVIRON = {"STATE_DIRECTORY": "/var/lib/qualitywatch", "TZ": "UTC"}
SMALLEST = "pbx: [{host: 192.0.2.1, username: u, secret: s}]\n"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration that only its owner may read, with secrets beside it."""
    for name, text in (("ami_secret", "s3cret\n"), ("telegram_token", "123456:AA-bb_cc\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)

    def write_config(text: str) -> Path:
        path = tmp_path / "q.yml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write_config


def problems(path: Path, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """The problems of a file, without the name of its directory."""
    with pytest.raises(ConfigError) as caught:
        read_config(path, environ)
    return [problem.replace(f"{path.parent}/", "") for problem in caught.value.problems]


# --- good ones --------------------------------------------------------------------------------------------------------


def test_the_smallest_configuration_watches_one_pbx_and_tells_the_console(write: Write) -> None:
    config = read_config(write(SMALLEST), ENVIRON)
    assert config.pbxes == (PbxConfig("192.0.2.1", "192.0.2.1", 5038, "u", Secret("s"), md5=True, tls=None),)
    assert config.targets == (TargetConfig("console", "console", "en", Severity.WARNING, (), ConsoleTarget()),)
    assert config.telegram is None
    assert config.store.directory == Path("/var/lib/qualitywatch")
    assert config.store.keep.minutes_s == 30 * 86_400
    assert config.rules.directories == (shipped("rules"),)
    assert (config.names, config.trunks) == ({}, {})
    assert (config.language, config.timezone, config.log_level) == ("en", UTC, "info")
    assert config.warnings == ()


def test_everything_can_be_set(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "ca.pem").touch()
    path = write(
        """
pbx:
  - name: office
    host: pbx.example.org
    port: 5040
    username: watcher
    secret_file: ami_secret
    md5: false
    tls: {ca_file: ca.pem}
  - {name: backup, host: "2001:db8::1", username: w, credential: backup_secret, tls: {enabled: true, verify: false}}
telegram:
  token_file: telegram_token
  base_url: http://127.0.0.1:8081/
  proxy: socks5://user:pa55@192.0.2.9:1080
notify:
  - {name: ops, kind: telegram, chat_id: -1001234567890, topic: 7, language: ru, min_severity: critical, pbx: office}
  - {name: boss, kind: telegram, chat_id: 42}
  - {kind: console, min_severity: info}
names: {SIP/6117: Anna}
trunks: {"SIP/74993801@127.0.0.1": Mango office}
rules: {directory: own, defaults: false}
store: {directory: state, keep: {minutes: 7d, hours: 365d, calls: 14d, events: 100d}}
language: ru
timezone: Europe/Moscow
log_level: debug
"""
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "backup_secret").write_text("other")
    config = read_config(path, {"CREDENTIALS_DIRECTORY": str(tmp_path / "run")})
    office, backup = config.pbxes
    assert office == PbxConfig(
        "office",
        "pbx.example.org",
        5040,
        "watcher",
        Secret("s3cret"),
        md5=False,
        tls=TlsConfig(tmp_path / "ca.pem", verify=True),
    )
    assert (backup.port, backup.secret, backup.tls) == (5039, Secret("other"), TlsConfig(None, verify=False))
    assert config.telegram is not None
    assert config.telegram.token.reveal() == "123456:AA-bb_cc"
    assert config.telegram.base_url == "http://127.0.0.1:8081"
    assert config.telegram.proxy == Secret("socks5://user:pa55@192.0.2.9:1080")
    assert config.targets == (
        TargetConfig("ops", "telegram", "ru", Severity.CRITICAL, ("office",), TelegramTarget(-1001234567890, 7)),
        TargetConfig("boss", "telegram", "ru", Severity.WARNING, (), TelegramTarget(42, None)),
        TargetConfig("console", "console", "ru", Severity.INFO, (), ConsoleTarget()),
    )
    assert config.names == {"SIP/6117": "Anna"}
    assert config.trunks == {"SIP/74993801@127.0.0.1": "Mango office"}
    assert config.rules.directories == (tmp_path / "own",)
    assert config.store.directory == tmp_path / "state"
    assert [config.store.keep.minutes_s, config.store.keep.events_s] == [7 * 86_400, 100 * 86_400]
    assert (config.language, config.timezone, config.log_level) == ("ru", ZoneInfo("Europe/Moscow"), "debug")
    assert config.warnings == (
        f"{path}:10: pbx[1].tls.verify: anybody can pretend to be this PBX; give its certificate as ca_file instead",
    )


def test_own_rules_come_after_the_shipped_ones_and_are_loaded_with_them(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "r.yml").write_text("rules: [{name: loss, kind: change, attribute: address, severity: info}]")
    config, rules = read_config_and_rules(write(SMALLEST + "rules: {directory: own}"), ENVIRON)
    assert config.rules.directories == (shipped("rules"), tmp_path / "own")
    assert {rule.name: rule.kind for rule in rules}["loss"] == "change"
    assert {rule.name: rule.kind for rule in rules}["trunk-down"] == "state"


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"STATE_DIRECTORY": "/a:/b", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "/a"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/qualitywatch"),
        ({"HOME": "/h"}, "/h/.local/state/qualitywatch"),
    ],
)
def test_state_is_kept_where_the_machine_keeps_state(write: Write, environ: dict[str, str], directory: str) -> None:
    assert read_config(write(SMALLEST), environ).store.directory == Path(directory)


def test_the_machines_time_zone_is_the_default(tmp_path: Path) -> None:
    localtime = tmp_path / "localtime"
    localtime.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert machine_timezone({}, localtime) == ZoneInfo("Europe/Berlin")
    assert machine_timezone({"TZ": ":Asia/Tokyo"}, localtime) == ZoneInfo("Asia/Tokyo")
    assert machine_timezone({"TZ": "nonsense"}, localtime) is UTC
    assert machine_timezone({}, tmp_path / "missing") is UTC


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_shows_itself_nowhere(write: Write) -> None:
    path = write(
        SMALLEST.replace("secret: s", "secret: hunter2") + "telegram: {token: '123:hunter2', proxy: 'http://u:hunter2@h'}"
    )
    config = read_config(path, ENVIRON)
    assert config.pbxes[0].secret.reveal() == "hunter2"
    for shown in (
        repr(config),
        str(config),
        f"{config.pbxes[0].secret}",
        repr(dataclasses.asdict(config)),
        repr(copy.deepcopy(config)),
    ):
        assert "hunter2" not in shown
        assert "***" in shown
    with pytest.raises(TypeError, match="a secret is not written down"):
        pickle.dumps(config.pbxes[0].secret)


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != Secret("b")
    assert Secret("***") != "***"


@pytest.mark.parametrize(
    ("content", "secret"), [(b"a b ", "a b "), (b"x\r\n", "x"), (b"x\n\n", "x"), ("пароль\n".encode(), "пароль")]
)
def test_secret_files_lose_their_last_newline_only(write: Write, tmp_path: Path, content: bytes, secret: str) -> None:
    path = write("pbx: [{host: h, username: u, secret_file: ami_secret}]")
    (tmp_path / "ami_secret").write_bytes(content)
    assert read_config(path, ENVIRON).pbxes[0].secret.reveal() == secret


def test_a_secret_file_is_taken_from_systemd_when_it_passes_one_of_that_name(write: Write, tmp_path: Path) -> None:
    path = write("pbx: [{host: h, username: u, secret_file: /root-only/ami_secret}]")
    assert read_config(path, {**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path)}).pbxes[0].secret.reveal() == "s3cret"


def test_secrets_everybody_can_read_are_warned_of(write: Write, tmp_path: Path) -> None:
    path = write("pbx:\n  - {host: a, username: u, secret_file: ami_secret}\n  - {host: b, username: u, secret: s}\n")
    assert read_config(path, ENVIRON).warnings == ()
    (tmp_path / "ami_secret").chmod(0o644)
    path.chmod(0o604)
    assert read_config(path, ENVIRON).warnings == (
        f"{path}:2: pbx[0].secret_file: every user can read it: chmod o= {tmp_path}/ami_secret",
        f"{path}:3: pbx[1].secret: every user can read it: chmod o= {path}",
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("", "pbx[0]: needs exactly one of secret, secret_file or credential"),
        (", secret: a, credential: b", "pbx[0].credential: only one of secret, credential may be given"),
        (", secret: 12345", "pbx[0].secret: must be text, but YAML reads this as a number: put it in quotes"),
        (", secret: ''", "pbx[0].secret: is empty"),
        (", secret_file: gone", "pbx[0].secret_file: gone cannot be read: No such file or directory"),
        (", secret_file: /dev/zero", "pbx[0].secret_file: /dev/zero is not a file"),
        (", secret_file: .", "pbx[0].secret_file: {dir} is not a file"),
        (", secret_file: ~/x", "pbx[0].secret_file: write the path in full; ~ is not expanded"),
        (", secret_file: empty", "pbx[0].secret_file: empty is empty"),
        (", secret_file: lines", "pbx[0].secret_file: lines must hold one line of text and nothing else"),
        (", secret_file: binary", "pbx[0].secret_file: binary is not UTF-8 text"),
        (", secret_file: huge", "pbx[0].secret_file: huge is too large to be a secret"),
        *(
            (
                f", credential: {name}",
                f"pbx[0].credential: systemd gave no such credential; add LoadCredential={name}:/path to the unit, "
                "and the secret to that file",
            )
            for name in ("gone", "empty")  # the unit's SetCredential= stands in with an empty line
        ),
        (
            ", credential: ../x",
            "pbx[0].credential: is the name of a credential, not a path; for a path use the key that ends in _file",
        ),
    ],
)
def test_wrong_secrets(write: Write, tmp_path: Path, given: str, problem: str) -> None:
    for name, content in (
        ("empty", b"\n"),
        ("lines", b"hunter2\nhunter3\n"),
        ("binary", b"hunter2\xff"),
        ("huge", b"x" * 5000),
    ):
        (tmp_path / name).write_bytes(content)
    found = problems(write("pbx: [{host: h, username: u" + given + "}]"), {**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found == ["q.yml:1: " + problem.format(dir=tmp_path)]


def test_the_empty_line_that_stands_in_for_a_missing_credential_hides_no_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given/ami_secret").write_bytes(b"\n")
    path = write("pbx: [{host: h, username: u, secret_file: ami_secret}]")
    config = read_config(path, {**ENVIRON, "CREDENTIALS_DIRECTORY": str(tmp_path / "given")})
    assert config.pbxes[0].secret == read_config(path, ENVIRON).pbxes[0].secret


def test_a_credential_outside_systemd_says_what_to_use_instead(write: Write) -> None:
    assert problems(write("pbx: [{host: h, username: u, credential: ami}]")) == [
        "q.yml:1: pbx[0].credential: needs systemd and LoadCredential=ami:/path in the unit; "
        "elsewhere use the key that ends in _file"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_secret_file_we_may_not_read(write: Write, tmp_path: Path) -> None:
    (tmp_path / "ami_secret").chmod(0)
    assert problems(write("pbx: [{host: h, username: u, secret_file: ami_secret}]")) == [
        "q.yml:1: pbx[0].secret_file: ami_secret cannot be read: Permission denied"
    ]


@pytest.mark.parametrize("token", ["hunter2", "123:", ":abc", "123:hun ter2", "123:hunter2/../x", "123 :hunter2"])
def test_a_token_that_is_none_is_not_shown(write: Write, token: str) -> None:
    assert problems(write(f"{SMALLEST}telegram: {{token: '{token}'}}")) == [
        "q.yml:2: telegram.token: not a bot token (digits, a colon, letters and digits); copy it again from @BotFather"
    ]


@given(st.text("abcXYZ *&!%@|>{}[],#?-:'\"\\\t", min_size=1, max_size=20))
def test_a_badly_quoted_secret_is_not_shown(config_file: Path, junk: str) -> None:
    config_file.write_text(f"pbx: [{{host: h, username: u}}]\ntelegram:\n  token: {junk}hunter2\n")
    with pytest.raises(ConfigError) as caught:
        read_config(config_file, ENVIRON)
    assert "hunter2" not in str(caught.value)


# --- bad ones ---------------------------------------------------------------------------------------------------------


def test_a_missing_file_says_what_to_copy(tmp_path: Path) -> None:
    example = shipped("systemd", "qualitywatch.example.yml")
    assert problems(tmp_path / "q.yml") == [f"q.yml: cannot be read: No such file or directory; copy {example} and fill it in"]


def test_a_file_that_is_a_directory_or_not_text(write: Write, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    assert problems(tmp_path / "d") == ["d: cannot be read: Is a directory"]
    path = write("")
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    assert problems(path) == ["q.yml:2: not UTF-8 text; save the file as UTF-8"]
    path.write_bytes("pbx: []".encode("utf-16"))
    assert problems(path) == ["q.yml:1: not UTF-8 text; save the file as UTF-8"]
    path.write_bytes(b"#" * 4_000_001)
    assert problems(path) == ["q.yml: too large: more than 4000000 bytes"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_we_may_not_read(write: Write) -> None:
    path = write(SMALLEST)
    path.chmod(0)
    assert problems(path) == ["q.yml: cannot be read: Permission denied"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: pbx: missing"),
        ("pbx:\n", "1: pbx: is empty; fill it in or remove it"),
        ("pbx: []\n", "1: pbx: is empty; fill it in or remove it"),
        ("- pbx", '1: must be "key: value" lines, not a list'),
        ("pbx: {host: h}", '1: pbx: must be a list (each item begins with "- "), not a section of keys'),
        ("pbx: [h]", '1: pbx[0]: must be a section of keys ("key: value"), not text'),
    ],
)
def test_no_pbx(write: Write, text: str, problem: str) -> None:
    assert problems(write(text)) == [f"q.yml:{problem}"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("port: 0", "port: must be between 1 and 65535, not 0"),
        ("port: 65536", "port: must be between 1 and 65535, not 65536"),
        ("port: '5038'", "port: must be a whole number, not text: take the quotes away"),
        ("prot: 5038", 'prot: unknown key, did you mean "port"?'),
        ("md5: 'on'", "md5: must be true or false, not text: take the quotes away"),
        ("name: 5", "name: must be text, but YAML reads this as a number: put it in quotes"),
        ("tls: true", 'tls: must be a section of keys ("key: value"), not true/false'),
        ("tls: ", "tls: is empty; fill it in or remove it"),
        ("tls: {ca_file: gone}", "tls.ca_file: gone: No such file or directory"),
        ("tls: {ca_file: .}", "tls.ca_file: {dir} is not a file"),
        ("tls: {ca: x}", "tls.ca: unknown key; known here: enabled, verify, ca_file"),
    ],
)
def test_wrong_pbx(write: Write, tmp_path: Path, more: str, problem: str) -> None:
    found = problems(write(f"pbx:\n  - host: h\n    username: u\n    secret: s\n    {more}\n"))
    assert found == [f"q.yml:5: pbx[0].{problem.replace('{dir}', str(tmp_path))}"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("10.0.0.1:5038", 'must be a name or an address only; the port belongs under "port"'),
        ("http://pbx", "must be a name or an address only, such as 192.0.2.10"),
        ("[2001:db8::1]", "must be a name or an address only, such as 192.0.2.10"),
        ("my pbx", "must be a name or an address only, such as 192.0.2.10"),
    ],
)
def test_wrong_host(write: Write, host: str, reason: str) -> None:
    assert problems(write(f"pbx: [{{host: '{host}', username: u, secret: s}}]")) == [f"q.yml:1: pbx[0].host: {reason}"]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{kind: telegram, chat_id: '-100'}", "notify[0].chat_id: must be a whole number, not text: take the quotes away"),
        ("{kind: telegram, chat_id: '@ops'}", 'notify[0].chat_id: must be a whole number, not "@ops"'),
        ("{kind: telegram, chat_id: 0}", "notify[0].chat_id: must be the number of a chat"),
        ("{kind: telegram}", "notify[0].chat_id: missing"),
        (
            "{kind: telegram, chat_id: -100, topic: 7}",
            "notify[0].topic: only supergroups have topics, and their chat_id begins with -100",
        ),
        (
            "{kind: telegram, chat_id: -1001234567890, topic: 0}",
            "notify[0].topic: must be between 1 and 2147483648, not 0",
        ),
        (
            "{kind: telegrm, chat_id: 5}",
            'notify[0].kind: must be one of console, telegram, webhook, apprise, not "telegrm", did you mean "telegram"?',
        ),
        ("{chat_id: 5}", "notify[0].kind: missing"),
        ("{kind: console, chat_id: 5}", "notify[0].chat_id: unknown key; known here: kind, name, language, min_severity, pbx"),
        ("{kind: console, language: de}", 'notify[0].language: must be one of en, ru, not "de"'),
        (
            "{kind: console, min_severity: warn}",
            'notify[0].min_severity: must be one of info, warning, critical, not "warn", did you mean "warning"?',
        ),
        ("{kind: console, pbx: [h, x]}", 'notify[0].pbx[1]: must be one of h, not "x"'),
    ],
)
def test_wrong_target(write: Write, target: str, problem: str) -> None:
    path = write(f"pbx: [{{host: h, username: u, secret: s}}]\ntelegram: {{token: '1:a'}}\nnotify:\n  - {target}\n")
    assert problems(path) == [f"q.yml:4: {problem}"]


def test_a_chat_needs_a_bot(write: Write) -> None:
    expected = ["q.yml:2: notify[0].kind: needs a telegram section with the token of a bot"]
    assert problems(write(SMALLEST + "notify: [{kind: telegram, chat_id: 5}]")) == expected
    assert problems(write(SMALLEST + "notify: [{kind: telegram, chat_id: 5}]\ntelegram:\n  # token: x\n")) == expected


def test_names_are_unique(write: Write) -> None:
    path = write(
        """pbx:
  - {name: a, host: h, username: u, secret: s}
  - {name: a, host: i, username: u, secret: s}
  - {host: h, username: u, secret: s}
  - {host: h, username: u, secret: s}
notify: [{kind: console}, {kind: console}]
"""
    )
    assert problems(path) == [
        'q.yml:3: pbx[1].name: name "a" is already taken in line 2; give another name',
        'q.yml:5: pbx[3]: name "h" is already taken in line 4; give another name',
        'q.yml:6: notify[1]: name "console" is already taken in line 6; give another name',
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("telegram: {}", "telegram: needs exactly one of token, token_file or credential"),
        ("telegram: {token: '1:a', base_url: x.org}", "telegram.base_url: must be a URL that begins with https:// or http://"),
        (
            "telegram: {token: '1:a', base_url: 'http://h:99999'}",
            "telegram.base_url: must be a URL that begins with https:// or http://",
        ),
        ("telegram: {token: '1:a', base_url: 'http://h/bot/'}", 'telegram.base_url: must not end in "/bot"'),
        (
            "telegram: {token: '1:a', proxy: 'socks4://u:hunter2@h'}",
            "telegram.proxy: must be a URL that begins with socks5:// or socks5h:// or http:// or https://",
        ),
        ("names: [a]", 'names: must be a section of keys ("key: value"), not a list'),
        ("names: {SIP/1: 1}", 'names."SIP/1": must be text, but YAML reads this as a number: put it in quotes'),
        ("trunks: {SIP/1@h: }", 'trunks."SIP/1@h": has no value; write text or remove the key'),
        ("rules: {directory: gone}", "rules.directory: gone: No such file or directory"),
        ("rules: {directory: q.yml}", "rules.directory: q.yml is not a directory"),
        ("rules: {directory: ~/r}", "rules.directory: write the path in full; ~ is not expanded"),
        (
            "rules: {defaults: no}",
            "rules.defaults: without the default rules and without a directory there is nothing to watch",
        ),
        ("store: {directory: q.yml}", "store.directory: q.yml is not a directory"),
        ("store: {directory: q.yml/x}", "store.directory: q.yml/x: Not a directory"),
        ("store: {keep: {minutes: 1h}}", "store.keep.minutes: must be between 1d and 10000d, not 1h"),
        ("language: fr", 'language: must be one of en, ru, not "fr"'),
        ("timezone: Europe/Moskow", 'timezone: unknown time zone, did you mean "Europe/Moscow"?'),
        ("timezone: ../../etc/passwd", "timezone: unknown time zone; write it like Europe/Moscow"),
        ("timezone: Europe", "timezone: unknown time zone; write it like Europe/Moscow"),
        ("log_level: off", "log_level: must be one of debug, info, warning, error, not true/false"),
        ("pbxes: 5", 'pbxes: unknown key, did you mean "pbx"?'),
    ],
)
def test_wrong_elsewhere(write: Write, line: str, problem: str) -> None:
    assert problems(write(SMALLEST + line)) == [f"q.yml:2: {problem}"]


def test_a_machine_without_a_place_for_state(write: Write) -> None:
    assert problems(write(SMALLEST), {}) == [
        "q.yml:1: store: say where to keep state, as store.directory: this machine names no place for it"
    ]


def test_every_problem_is_told_at_once_in_order(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "r.yml").write_text("rules:\n  - {name: x, kind: threshhold}\n")
    path = write(
        """nmaes: {}
pbx:
  - host: http://x
    port: 70000
    username: on
    secret: a
    secret_file: b
  - hots: b
    secret_file: gone
telegram:
  token: hunter2
notify:
  - {kind: telegram, chat_id: "5", topic: 7}
rules: {directory: [own, gone]}
timezone: Mars
"""
    )
    with pytest.raises(ConfigError) as caught:
        read_config_and_rules(path, ENVIRON)
    assert [line.replace(f"{tmp_path}/", "") for line in caught.value.problems] == [
        'q.yml:1: nmaes: unknown key, did you mean "names"?',
        "q.yml:3: pbx[0].host: must be a name or an address only, such as 192.0.2.10",
        "q.yml:4: pbx[0].port: must be between 1 and 65535, not 70000",
        "q.yml:5: pbx[0].username: must be text, but YAML reads this as true/false: put it in quotes",
        "q.yml:7: pbx[0].secret_file: only one of secret, secret_file may be given",
        "q.yml:8: pbx[1].host: missing",
        "q.yml:8: pbx[1].username: missing",
        'q.yml:8: pbx[1].hots: unknown key, did you mean "host"?',
        "q.yml:9: pbx[1].secret_file: gone cannot be read: No such file or directory",
        "q.yml:11: telegram.token: not a bot token (digits, a colon, letters and digits); copy it again from @BotFather",
        "q.yml:13: notify[0].chat_id: must be a whole number, not text: take the quotes away",
        "q.yml:14: rules.directory: gone: No such file or directory",
        "q.yml:15: timezone: unknown time zone; write it like Europe/Moscow",
        f'own/r.yml:2: rules[0].kind: must be one of {", ".join(RULE_KINDS)}, not "threshhold", did you mean "threshold"?',
    ]


# --- any text at all --------------------------------------------------------------------------------------------------

EXAMPLE = shipped("systemd", "qualitywatch.example.yml").read_text()
# fmt: off
KEYS = st.sampled_from([
    "pbx", "name", "host", "port", "username", "secret", "secret_file", "credential", "md5", "tls", "enabled", "ca_file",
    "verify", "telegram", "token", "token_file", "base_url", "proxy", "notify", "kind", "chat_id", "topic", "language",
    "min_severity", "names", "trunks", "rules", "directory", "defaults", "store", "keep", "minutes", "timezone",
    "log_level", "SIP/1", "x", "users", "commands", "pictures", "url", "url_file", "incidents", "group_by", "within", "refresh",
    "flap", "fires", "morning", "inhibit", "source", "target", "equal", "routes", "match", "to", "repeat", "escalate", "after",
    "remind", "continue", "severity", "rule", "subject", "labels", "maintenance", "days", "from", "trunk_peers", "call",
    "sites", "merge",
    "channel", "caller_id", "prompt", "attempts", "every", "ring", "per_hour", "lamps", "device", "web", "listen",
    "metrics", "behind_tls_proxy", "password", "password_file",
])
# fmt: on
SCALARS = st.sampled_from(
    [
        "telegram",
        "console",
        "webhook",
        "apprise",
        "never",
        "mon",
        "24:00",
        "trunk_state",
        "rule",
        "en",
        "h",
        "1:a",
        ".",
        "/",
        "http://[",
        "http://h:x",
        "UTC",
        "Europe",
        "\0",
        "\ud800",
        "",
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | SCALARS | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@st.composite
def damaged_examples(draw: st.DrawFn) -> str:
    """The example, with its comments switched on, and pieces of it replaced by something else."""
    text = uncommented(EXAMPLE) if draw(st.booleans()) else EXAMPLE
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=5)) + text[at + draw(st.integers(0, 20)) :]
    return text


@pytest.fixture(scope="module")
def config_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "q.yml"


def dumped(tree: Any) -> str:
    return yaml.safe_dump(tree, allow_unicode=False)


@settings(deadline=None)
@given(st.text() | damaged_examples() | st.dictionaries(KEYS, TREES, max_size=8).map(dumped))
def test_any_text_is_a_configuration_or_has_problems(config_file: Path, text: str) -> None:
    config_file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        config = read_config(config_file, ENVIRON)
    except ConfigError as exc:
        assert exc.problems
        for line in exc.problems:
            assert line.startswith(str(config_file))
            assert line.isprintable()
    else:
        assert isinstance(config, Config)
        assert config.pbxes


@given(st.binary())
def test_any_bytes_are_a_configuration_or_have_problems(config_file: Path, data: bytes) -> None:
    config_file.write_bytes(data)
    with pytest.raises(ConfigError):  # a PBX is not found by chance
        read_config(config_file, ENVIRON)


# --- the check command ------------------------------------------------------------------------------------------------


def test_check_says_what_would_run(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "r.yml").write_text("rules: [{name: moved, kind: change, attribute: address, severity: info}]")
    path = write(
        """
pbx:
  - {name: office, host: 127.0.0.1, username: watcher, secret_file: ami_secret}
  - {name: far, host: "2001:db8::1", username: w, secret: hunter2, md5: no, tls: {verify: no}}
telegram: {token_file: telegram_token}
notify:
  - {name: ops, kind: telegram, chat_id: -1001234567890, topic: 7, language: ru, pbx: [office]}
  - {kind: console, min_severity: info}
rules: {directory: own, defaults: no}
sites: {Branch North: [10.20.0.0/16, "2001:db8:20::/48"]}
store: {directory: /var/lib/qualitywatch}
timezone: Europe/Moscow
"""
    )
    out = io.StringIO()
    assert check(path, out) == 0
    assert out.getvalue().replace(f"{tmp_path}/", "") == (
        "warning: q.yml:4: pbx[1].tls.verify: anybody can pretend to be this PBX; give its certificate as ca_file instead\n"
        "q.yml is good. What would run:\n"
        "  pbx     office: watcher at 127.0.0.1:5038, plain TCP, MD5 login\n"
        "  pbx     far: w at [2001:db8::1]:5039, TLS, certificate not checked, plain-text login\n"
        "  notify  ops: telegram chat -1001234567890 topic 7, in ru, warning and worse, only office\n"
        "  notify  console: console, in en, info and worse\n"
        "  press   nobody; name those who may in telegram.users\n"
        "  group   by rule within 1m; refreshed every 10s; flapping: 3 times in 10m; morning: 08:00\n"
        "  route   everything: to everybody, again every 4h, reminder after 8h\n"
        "  inhibit topic trunk_state explains topic loss_percent|loss_percent_reported|jitter_ms|rtt_ms|mos"
        "|r_factor|call_duration_s|post_dial_delay_s|qualify_rtt_ms|answered|delivered|long_enough|covered|trunk_loss|peer_state|audio_state"
        " of the same trunk\n"
        "  inhibit topic pbx_state explains everything on the same PBX\n"
        "  inhibit topic pbx_loss explains topic loss_percent|loss_percent_reported|jitter_ms|rtt_ms|mos|r_factor|audio_state"
        "|site_loss|trunk_loss on the same PBX, in their incident\n"
        "  inhibit topic site_loss|trunk_loss explains topic loss_percent|loss_percent_reported|jitter_ms|rtt_ms|mos"
        "|r_factor|audio_state of the same site, in their incident\n"
        "  rule    moved (change): address of a peer changed: info\n"
        "  site    Branch North: 10.20.0.0/16, 2001:db8:20::/48\n"
        "  state   /var/lib/qualitywatch\n"
        "  time    Europe/Moscow\n"
    )


def test_check_tells_every_problem_and_exits_with_2(write: Write, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "r.yml").write_text("rules:\n  - {name: x, kind: change, attribute: shoes, severity: info}\n")
    out = io.StringIO()
    assert check(write(SMALLEST + "languag: en\nrules: {directory: own}\n"), out) == 2
    lines = out.getvalue().replace(f"{tmp_path}/", "").splitlines()
    assert lines[0] == 'q.yml:2: languag: unknown key, did you mean "language"?'
    assert lines[1].startswith("own/r.yml:2: rules[0].attribute: ")
    assert lines[2:] == ["2 problems: nothing would be started."]


def test_check_of_a_missing_file(tmp_path: Path) -> None:
    out = io.StringIO()
    assert check(tmp_path / "gone.yml", out) == 2
    first, second = out.getvalue().splitlines()
    assert first.startswith(f"{tmp_path}/gone.yml: cannot be read: No such file or directory; copy ")
    assert second == "1 problem: nothing would be started."


def test_the_example_is_good_once_its_secrets_exist(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = write(EXAMPLE)
    out = io.StringIO()
    assert check(path, out) == 2
    assert [line.rpartition(": ")[0].rpartition("/")[2] for line in out.getvalue().splitlines()[:-1]] == [
        "ami_secret cannot be read",
        "telegram_token cannot be read",
    ]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    out = io.StringIO()
    assert check(path, out) == 0
    assert "office: qualitywatch at 127.0.0.1:5038" in out.getvalue()
    assert "s3cret" not in out.getvalue()


def test_the_proxy_may_be_a_file_since_it_holds_a_password(write: Write, tmp_path: Path) -> None:
    bot = "telegram: {token: '123456:ABC', "
    (tmp_path / "proxy").write_text("socks5://office:p%40ss@192.0.2.1:1080\n", encoding="utf-8")
    config = read_config(write(f"{SMALLEST}{bot}proxy_file: proxy}}\n"), ENVIRON)
    assert config.telegram is not None
    assert config.telegram.proxy == Secret("socks5://office:p%40ss@192.0.2.1:1080")
    (tmp_path / "proxy").write_text("office:p%40ss@192.0.2.1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"telegram\.proxy_file") as caught:
        read_config(write(f"{SMALLEST}{bot}proxy_file: proxy}}\n"), ENVIRON)
    assert "p%40ss" not in str(caught.value)
    with pytest.raises(ConfigError, match="only one of proxy, proxy_file may be given"):
        read_config(write(f"{SMALLEST}{bot}proxy: 'http://h:1', proxy_file: proxy}}\n"), ENVIRON)


def uncommented(text: str) -> str:
    """The example with every commented line that is YAML, rather than prose, switched on."""
    key = r'(?:- )?(?:[a-z_]+|[0-9]+|P?J?SIP/\w+|"[^"]+"):(?: |$)'
    return re.sub(rf"^( *)# ( *{key})", r"\1\2", text, flags=re.MULTILINE)


def test_every_commented_line_of_the_example_is_good_too(write: Write, tmp_path: Path) -> None:
    text = uncommented(EXAMPLE)
    text = text.replace("/etc/qualitywatch/rules", str(tmp_path)).replace("/etc/qualitywatch/ca.pem", "ami_secret")
    text = text.replace("/etc/qualitywatch/influx_ca.pem", str(Path(__file__).parent / "fakes" / "nobody.pem"))
    assert text.count("#") < EXAMPLE.count("#") - 70
    for name, secret in (
        ("ticket_url", "https://example.org/x"),
        ("ticket_key", "k"),
        ("mail_url", "mailto://u:p@example.org"),
        ("web_token", "0123456789abcdef"),
        ("web_anna", "a good password"),
        ("influx_token", "t"),
        ("influx_password", "p"),
    ):
        (tmp_path / name).write_text(secret)
    config = read_config(write(text), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert config.warnings == ()
    assert config.pbxes[0].tls is not None
    assert config.telegram is not None
    assert config.telegram.proxy is not None
    assert config.telegram.users == {123456789: "Anna", 987654321: "Boris"}
    assert [target.name for target in config.targets] == ["ops", "console", "duty", "head", "ticket", "mail"]
    assert config.names == {"SIP/6117": "Anna", "PJSIP/701": "Reception"}
    assert len(config.trunks) == 2
    assert config.sites == {"Branch North": (ip_network("10.20.0.0/16"), ip_network("2001:db8:20::/48"))}
    assert config.trunk_peers == {"PJSIP/provider": "PJSIP/74995555@127.0.0.1:5080"}
    assert [len(each) for each in (config.desk.routes, config.desk.windows, config.lamps)] == [3, 1, 2]
    assert config.call is not None
    assert config.web is not None
    assert list(config.web.users) == ["anna"]
    assert [(each.name, each.kind) for each in config.influx] == [
        ("influxdb", "influxdb"),
        ("old", "influxdb1"),
        ("victoriametrics", "victoriametrics"),
    ]
    assert config.grafana_url == "https://grafana.example.org"
    assert config.store.directory == Path("/var/lib/qualitywatch")
    assert config.timezone == ZoneInfo("Europe/Moscow")


def test_the_defaults_the_example_shows_are_the_defaults(write: Write, tmp_path: Path) -> None:
    section = re.search(r"^incidents:.*?(?=^# Times)", uncommented(EXAMPLE), re.MULTILINE | re.DOTALL)
    assert section is not None
    assert "inhibit" in yaml.safe_load(section[0])["incidents"]
    shown, default = read_config(write(SMALLEST + section[0]), ENVIRON), read_config(write(SMALLEST), ENVIRON)
    assert (shown.desk, shown.morning) == (default.desk, default.morning)
    call = re.search(r"^call:.*?(?=^#|^$)", uncommented(EXAMPLE), re.MULTILINE | re.DOTALL)
    assert call is not None
    least = "call: {channel: Local/79161234567@from-internal}"
    named = SMALLEST.replace("{host", "{name: office, host")
    assert read_config(write(named + call[0]), ENVIRON).call == read_config(write(named + least), ENVIRON).call
