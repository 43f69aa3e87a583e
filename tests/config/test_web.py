"""Section ``web``."""

from __future__ import annotations

from pathlib import Path

import pytest

from qualitywatch.config import WebConfig
from qualitywatch.secrets import Secret
from tests.config.conftest import ONE_PBX, TARGETS, Problems, Read, warnings_of

BASE = ONE_PBX + TARGETS
TOKEN = "0123456789abcdef"


def test_nothing_is_served_unless_there_is_a_section(read: Read) -> None:
    assert read(BASE).web is None


def test_a_token_is_enough_and_loopback_is_where_it_listens(read: Read) -> None:
    config = read(f"{BASE}web: {{token: {TOKEN}}}\n")
    assert config.web == WebConfig("127.0.0.1", 8080, Secret(TOKEN))
    assert warnings_of(config) == []


def test_secrets_may_lie_in_files(read: Read, tmp_path: Path) -> None:
    for name, secret in {"token": TOKEN, "anna": "a good password"}.items():
        (tmp_path / name).write_text(secret + "\n")
        (tmp_path / name).chmod(0o600)
    web = read(f"{BASE}web: {{token_file: token, users: {{anna: {{password_file: anna}}, boris: another one}}}}\n").web
    assert web is not None
    assert (web.token, web.users) == (Secret(TOKEN), {"anna": Secret("a good password"), "boris": Secret("another one")})
    assert "good" not in repr(web)


def test_an_address_of_ipv6(read: Read) -> None:
    web = read(f'{BASE}web: {{listen: "[::1]:9000", token: {TOKEN}, metrics: open}}\n').web
    assert web is not None
    assert (web.host, web.port, web.is_metrics_open) == ("::1", 9000, True)


def test_what_others_could_read_on_the_way_is_warned_of(read: Read) -> None:
    web = f'web: {{listen: "0.0.0.0:8080", token: {TOKEN}'
    (warning,) = warnings_of(read(f"{BASE}{web}}}\n"))
    assert "web.listen: everybody on the way can read" in warning
    assert warnings_of(read(f"{BASE}{web}, behind_tls_proxy: true}}\n")) == []


@pytest.mark.parametrize(
    ("web", "problem"),
    [
        ("{}", "web: needs token_file (or token), users, or both"),
        ("", "web: is empty: needs token_file"),
        ("[]", "web: must be"),
        ("{listen: '127.0.0.1:1'}", "web: needs token_file"),
        ("{token: short}", "web.token: is too short: give 16"),
        ("{users: {}}", "web.users: names nobody"),
        ("{users: {anna: short}}", "web.users.anna: has too short a password: give 8"),
        ("{users: {'a:b': good password}}", "must be a name without a colon"),
        ("{users: {'a:good password': other password}}", "web.users.a: must be a name without a colon"),
        ("{users: {anna:good password}}", "web.users.anna: a space is missing after the colon"),
        ("{users: {anna: long enough, berta:good password}}", "web.users.berta: a space is missing after the colon"),
        ("{users: {anna: {pass: good password}}}", "web.users.anna: needs exactly one of password"),
        (f"{{token: {TOKEN}, listen: 127.0.0.1}}", "web.listen: must be an address and a port"),
        (f"{{token: {TOKEN}, listen: 'pbx.example:8080'}}", "web.listen: must begin with an address"),
        (f"{{token: {TOKEN}, listen: '127.0.0.1:99999'}}", "web.listen: must be an address and a port"),
        (f"{{token: {TOKEN}, metrics: yes}}", "web.metrics: "),
        (f"{{token: {TOKEN}, token_file: x}}", "only one of token, token_file may be given"),
        (f"{{tokn: {TOKEN}}}", "web.tokn: unknown key"),
    ],
)
def test_mistakes_are_told_and_no_secret_is(problems: Problems, web: str, problem: str) -> None:
    told = "\n".join(problems(f"{BASE}web: {web}\n"))
    assert problem in told
    assert "good password" not in told and TOKEN not in told
