"""Who is told, and who may answer: chats, web hooks, everything through apprise, and the people at the buttons."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qualitywatch.config import AppriseTarget, TelegramTarget, WebhookTarget
from qualitywatch.desk.policy import Audience
from qualitywatch.model import Severity
from qualitywatch.secrets import Secret
from tests.config.conftest import ONE_PBX, TWO_PBXES, Problems, Read, warnings_of

BOT = "telegram: {token: '1:a'}\n"


def test_the_bot_listens_to_nobody_and_draws_unless_told_otherwise(read: Read) -> None:
    telegram = read(ONE_PBX + BOT).telegram
    assert telegram is not None
    assert (telegram.users, telegram.commands, telegram.pictures) == ({}, True, True)


def test_people_are_known_by_the_number_of_their_account(read: Read) -> None:
    telegram = read(ONE_PBX + "telegram: {token: '1:a', commands: no, users: {123456789: Anna, 987654321: Boris}}").telegram
    assert telegram is not None
    assert telegram.users == {123456789: "Anna", 987654321: "Boris"}
    assert not telegram.commands


@pytest.mark.parametrize("key", ["anna", "'@anna'", "-1001234567890", "0", "012", "0x1F", "1_0", "4503599627370497"])
def test_a_user_is_a_number(problems: Problems, key: str) -> None:
    (problem,) = problems(f"{ONE_PBX}telegram:\n  token: '1:a'\n  users:\n    {key}: Anna\n")
    assert problem.startswith("5: telegram.users.")
    assert problem.endswith("must be the number of a user, with a name after it, such as 123456789: Anna")


def test_a_user_has_a_name(problems: Problems) -> None:
    assert problems(f"{ONE_PBX}telegram: {{token: '1:a', users: {{5: }}}}") == [
        "2: telegram.users.5: has no value; write text or remove the key"
    ]
    assert problems(f"{ONE_PBX}telegram: {{token: '1:a', users: [5]}}") == [
        '2: telegram.users: must be a section of keys ("key: value"), not a list'
    ]


def test_pictures_are_as_in_the_telegram_section_unless_a_chat_says_otherwise(read: Read) -> None:
    chats = "notify: [{name: a, kind: telegram, chat_id: 1}, {name: b, kind: telegram, chat_id: 2, pictures: yes}]\n"
    config = read(ONE_PBX + chats + "telegram: {token: '1:a', pictures: no}")
    assert [target.options for target in config.targets] == [TelegramTarget(1, None, False), TelegramTarget(2, None, True)]
    assert read(ONE_PBX + chats + BOT).targets[0].options == TelegramTarget(1, None, True)


def test_pictures_that_were_asked_for_and_cannot_be_drawn_are_warned_of(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    chat = "notify: [{kind: telegram, chat_id: 1, pictures: true}]\n"
    instead = 'needs matplotlib: pip install "qualitywatch[charts]"; until then a line of blocks takes their place'
    assert warnings_of(read(ONE_PBX + chat + "telegram: {token: '1:a', pictures: true}")) == [
        f"2: notify[0].pictures: {instead}",
        f"3: telegram.pictures: {instead}",
    ]
    assert read(ONE_PBX + BOT).warnings == ()


def test_a_web_hook_has_a_url_and_perhaps_a_key(read: Read, tmp_path: Path) -> None:
    for name, text in (("url", "https://example.org/hook?key=hunter2\n"), ("key", "hunter2\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    hooks = """notify:
  - {name: a, kind: webhook, url: "http://127.0.0.1:8080/x"}
  - {name: b, kind: webhook, url_file: url, secret_file: key}
  - {name: c, kind: webhook, url: "https://example.org", secret: hunter2}
"""
    config = read(ONE_PBX + hooks)
    assert [target.options for target in config.targets] == [
        WebhookTarget(Secret("http://127.0.0.1:8080/x"), None),
        WebhookTarget(Secret("https://example.org/hook?key=hunter2"), Secret("hunter2")),
        WebhookTarget(Secret("https://example.org"), Secret("hunter2")),
    ]
    assert config.warnings == ()
    assert "hunter2" not in repr(config)


def test_apprise_takes_one_address_or_several(read: Read, tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("mailto://u:hunter2@example.org")
    (tmp_path / "mail").chmod(0o600)
    config = read(
        ONE_PBX
        + "notify: [{name: a, kind: apprise, url: [ntfy://x, 'slack://a/b/c']}, {name: b, kind: apprise, url_file: mail}]"
    )
    assert [target.options for target in config.targets] == [
        AppriseTarget((Secret("ntfy://x"), Secret("slack://a/b/c"))),
        AppriseTarget((Secret("mailto://u:hunter2@example.org"),)),
    ]
    assert "hunter2" not in repr(config)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("kind: webhook", "notify[0]: needs exactly one of url, url_file or credential"),
        ("kind: webhook, url: 'ftp://hunter2'", "notify[0].url: must be a URL that begins with https:// or http://"),
        ("kind: webhook, url: 'https://'", "notify[0].url: must be a URL that begins with https:// or http://"),
        ("kind: webhook, url: 'https://a', url_file: b", "notify[0].url_file: only one of url, url_file may be given"),
        (
            "kind: webhook, url: 'https://a', secret: a, secret_file: b",
            "notify[0].secret_file: only one of secret, secret_file may be given",
        ),
        ("kind: webhook, url: 'https://a', secret: ''", "notify[0].secret: is empty"),
        ("kind: webhook, url: ['https://a']", "notify[0].url: must be text, not a list"),
        ("kind: apprise", "notify[0]: needs exactly one of url, url_file or credential"),
        ("kind: apprise, url: []", "notify[0].url: is empty; fill it in or remove it"),
        ("kind: apprise, url: ['ntfy://x', '']", "notify[0].url: is empty"),
        (
            "kind: apprise, url_file: 'mailto://anna:hunter2@a.example'",
            "notify[0].url_file: names a file; what is an address itself goes under url",
        ),
        ("kind: apprise, url_file: gone", "notify[0].url_file: {dir}/gone cannot be read: No such file or directory"),
        (
            "kind: apprise, url: hunter2@example.org",
            "notify[0].url: must be a URL of apprise, such as mailto://user:password@example.org or ntfy://topic",
        ),
        (
            "kind: aprise, url: 'mailto://u@h'",
            'notify[0].kind: must be one of console, telegram, webhook, apprise, not "aprise", did you mean "apprise"?',
        ),
        (
            "kind: web, url: 'https://a', secret: k",
            'notify[0].kind: must be one of console, telegram, webhook, apprise, not "web", did you mean "webhook"?',
        ),
    ],
)
def test_wrong_targets(problems: Problems, tmp_path: Path, target: str, expected: str) -> None:
    found = problems(f"{ONE_PBX}notify: [{{{target}}}]")
    assert found == [f"2: {expected}".replace("{dir}", str(tmp_path))]


def test_apprise_that_is_not_installed_says_how_to_install_it(problems: Problems, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert problems(ONE_PBX + "notify: [{kind: apprise, url: 'ntfy://x'}]") == [
        '2: notify[0].kind: needs the library apprise: pip install "qualitywatch[channels]"'
    ]


@pytest.mark.parametrize(
    ("url", "is_warned_of"),
    [
        ("http://example.org/x", True),
        ("http://192.0.2.1:8080", True),
        ("http://localhost.example.org", True),
        ("https://example.org/x", False),
        ("http://localhost:8080/x", False),
        ("http://127.1.2.3/x", False),
        ("http://[::1]:8080/x", False),
    ],
)
def test_a_web_hook_that_everybody_can_read_is_warned_of(read: Read, url: str, is_warned_of: bool) -> None:
    warnings = warnings_of(read(f"{ONE_PBX}notify: [{{kind: webhook, url: '{url}'}}]"))
    assert warnings == ["2: notify[0].url: everybody on the way can read what is sent: use https://"] * is_warned_of


def test_the_desk_knows_what_each_target_wants_to_hear(read: Read) -> None:
    targets = "notify: [{name: ops, kind: console}, {name: duty, kind: console, min_severity: critical, pbx: depot}]"
    assert read(TWO_PBXES + targets).desk.audiences == (
        Audience("ops", Severity.WARNING, ()),
        Audience("duty", Severity.CRITICAL, ("depot",)),
    )
    assert read(ONE_PBX).desk.audiences == (Audience("console", Severity.WARNING, ()),)
