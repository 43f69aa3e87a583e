"""Remedies over a real manager connection: what Asterisk is told, what people read, what survives a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from qualitywatch.app.remedies import Remedies, remedy_services
from qualitywatch.model import Remedy, RemedyAction, Undo, UndoKind
from qualitywatch.notify.living import living
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.rules.loader import load_rules
from qualitywatch.rules.spec import RuleSpec
from tests.app.office import OTHER_TRUNK, RULES, START, TRUNK, Office, office, running, until
from tests.fakes.scripted_manager import DENIED, Action, Reply, listing

TO_BACKUP = Remedy(RemedyAction.DBPUT, {"family": "trunk", "key": "main", "value": "backup"}, undo=Undo(UndoKind.BEFORE))
ON = RemedyPolicy(enabled=True)
GOOD = "Response: Success\nActionID: {id}\nMessage: done\n\n"


class Pbx:
    """Asterisk's database and variables, as the manager sees them."""

    def __init__(self, entries: Mapping[str, str] = {}, *, state: str = "Rejected") -> None:
        self.db = dict(entries)
        self.written: list[tuple[str, ...]] = []
        self.answers: dict[str, Reply] = {
            "dbget": self._get,
            "dbput": self._put,
            "dbdel": self._delete,
            "sipshowregistry": registered_as(state),
        }

    def _get(self, action: Action) -> str:
        place = f"{action['family']}/{action['key']}"
        if place not in self.db:
            return "Response: Error\nActionID: {id}\nMessage: Database entry not found\n\n"
        item = {"Family": action["family"], "Key": action["key"], "Val": self.db[place]}
        return listing("DBGetResponse", [item], "DBGetComplete")

    def _put(self, action: Action) -> str:
        self.db[f"{action['family']}/{action['key']}"] = action["val"]
        self.written.append(("put", action["val"]))
        return "Response: Success\nActionID: {id}\nMessage: Updated database successfully\n\n"

    def _delete(self, action: Action) -> str:
        del self.db[f"{action['family']}/{action['key']}"]
        self.written.append(("delete",))
        return "Response: Success\nActionID: {id}\nMessage: Key deleted successfully\n\n"


def registered_as(*states: str) -> str:
    rows = [
        {"Host": "sip.example", "Port": "5060", "Username": f"7499380{n}", "Refresh": "105", "State": state}
        for n, state in enumerate(states, 1)
    ]
    return listing("RegistryEntry", rows, "RegistrationsComplete")


def says(status: str, user: str = "74993801", after_s: float = 1) -> str:
    return (
        f"Event: Registry\nPrivilege: system,all\nTimestamp: {START + after_s}\nChannelType: SIP\nUsername: {user}\n"
        f"Domain: sip.example\nStatus: {status}\n\n"
    )


async def recovers(here: Office, user: str = "74993801") -> None:
    """The trunk is back, and its alert over."""
    await here.manager.say(says("Registered", user) + says("Registered", user, 30))


def service(here: Office, *remedies: Remedy, policy: RemedyPolicy = ON, meta: Mapping[str, str] | None = None) -> Remedies:
    wanted = {"trunk-down": remedies or (TO_BACKUP,)}
    return Remedies(policy, wanted, {"office": here.watcher}, here.desk, here.keeper, meta or {}, here.clock, look_s=0.005)


def lines(here: Office, incident_id: int = 1, language: str = "en") -> list[str]:
    """What the message says was done, without the time."""
    incident = here.desk.incident(incident_id)
    assert incident is not None
    shown = [line.plain for line in living(incident, language, UTC, show_pbx=False)[0]]
    return [line.partition(" ")[2] for line in shown if line[2:3] == ":" and line[5:6] == ":"]


async def test_while_the_trunk_is_down_calls_go_over_the_backup_and_then_back_to_what_there_was() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: pbx.db["trunk/main"] == "backup")
        await until(lambda: lines(here) == ["turned DB trunk/main to backup"])
        assert lines(here, language="ru") == ["запись DB trunk/main переключена на backup"]
        await recovers(here)
        await until(lambda: pbx.db["trunk/main"] == "mango")
        await until(lambda: lines(here)[1:] == ["turned DB trunk/main back to mango"])
        assert await here.audit(2, "remedy") == [
            f"trunk-down {TRUNK} on office: turned DB trunk/main to backup",
            f"trunk-down {TRUNK} on office: turned DB trunk/main back to mango",
        ]
    assert pbx.written == [("put", "backup"), ("put", "mango")]


async def test_nothing_is_done_that_a_full_disk_could_not_remember() -> None:
    pbx, troubles, looks = Pbx(), ["state.db: the disk is full"], list[None]()

    def trouble() -> str | None:
        looks.append(None)
        return troubles[0] if troubles else None

    async with office(pbx.answers) as here:
        here.keeper.state_trouble = trouble
        async with running(here.watcher, service(here)):
            await until(lambda: len(looks) >= 20)
            assert (pbx.written, here.asked("DBGet"), lines(here)) == ([], [], [])
            troubles.clear()
            await until(lambda: pbx.db == {"trunk/main": "backup"})
            await until(lambda: lines(here) == ["turned DB trunk/main to backup"])


async def test_the_line_tells_when() -> None:
    pbx = Pbx()
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await here.audit(1, "remedy")
        incident = here.desk.incident(1)
        assert incident is not None
        shown = [line.plain for line in living(incident, "en", UTC, show_pbx=False)[0]]
        assert "22:13:20 turned DB trunk/main to backup" in shown


async def test_what_was_not_there_is_deleted_again() -> None:
    pbx = Pbx()
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: pbx.db == {"trunk/main": "backup"})
        await recovers(here)
        await until(lambda: lines(here)[1:] == ["deleted DB trunk/main again"])
    assert pbx.db == {}


async def test_a_configured_value_goes_before_the_one_there_was() -> None:
    pbx = Pbx({"trunk/main": "third"})
    remedy = replace(TO_BACKUP, undo=Undo(UndoKind.VALUE, "main"))
    async with office(pbx.answers) as here, running(here.watcher, service(here, remedy)):
        await until(lambda: pbx.db["trunk/main"] == "backup")
        await recovers(here)
        await until(lambda: pbx.db["trunk/main"] == "main")


async def test_what_somebody_else_has_set_meanwhile_is_left_alone() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: lines(here))
        pbx.db["trunk/main"] = "by hand"
        await recovers(here)
        await until(lambda: len(lines(here)) == 2)
        assert lines(here)[1] == "did not turn DB trunk/main back to mango: somebody set it to by hand meanwhile"
    assert pbx.db["trunk/main"] == "by hand"


async def test_two_trunks_share_the_backup_and_the_last_one_that_recovers_gives_it_back() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    pbx.answers["sipshowregistry"] = registered_as("Rejected", "Rejected")
    async with office(pbx.answers, trunks=(TRUNK, OTHER_TRUNK)) as here, running(here.watcher, service(here)):
        await until(lambda: lines(here, 1) and lines(here, 2))
        await recovers(here)
        await until(lambda: len(lines(here, 1)) == 2)
        assert lines(here, 1)[1] == "did not turn DB trunk/main back to what it was: another alert still needs it so"
        assert pbx.db["trunk/main"] == "backup"
        await recovers(here, "74993802")
        await until(lambda: lines(here, 2)[1:] == ["turned DB trunk/main back to mango"])
    assert pbx.db["trunk/main"] == "mango"


@pytest.mark.parametrize("kill_after", ["dbget", "dbput"])
async def test_a_kill_at_any_moment_neither_forgets_nor_mistakes_what_there_was(kill_after: str) -> None:
    """The answer never comes, the daemon dies; the next one goes on, and takes back in the end."""
    pbx = Pbx({"trunk/main": "mango"})

    def dies(action: Action) -> str:
        if kill_after == "dbput":
            pbx.db["trunk/main"] = action["val"]
        return ""

    async with office({**pbx.answers, kill_after: dies}) as here:
        async with running(here.watcher, service(here)):
            await here.manager.asked("DBGet" if kill_after == "dbget" else "DBPut")
            meta = await here.meta()
        alerts = (await here.store.load()).alerts
    async with office(pbx.answers) as here, running(here.watcher, service(here, meta=meta)):
        await until(lambda: lines(here) == ["turned DB trunk/main to backup"])
        await recovers(here)
        await until(lambda: lines(here)[1:] == ["turned DB trunk/main back to mango"])
    assert pbx.db["trunk/main"] == "mango"
    assert alerts is not None


async def test_an_alert_that_is_over_after_a_restart_is_undone_once() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: lines(here))
        meta = await here.meta()
    pbx.written.clear()
    pbx.answers["sipshowregistry"] = registered_as("Registered")
    async with office(pbx.answers, trunks=()) as here:  # its end was stored, its undoing not
        async with running(here.watcher, service(here, meta=meta)):
            assert await here.audit(1, "remedy") == [f"trunk-down {TRUNK} on office: turned DB trunk/main back to mango"]
            meta = await here.meta()
        async with running(here.watcher, service(here, meta=meta)):
            await asyncio.sleep(0.1)
    assert pbx.written == [("put", "mango")]


async def test_a_missing_right_is_named_and_nothing_is_taken_back() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office({**pbx.answers, "dbput": DENIED}) as here, running(here.watcher, service(here)):
        why = "refused, manager user lacks system in write= of manager.conf"
        await until(lambda: lines(here) == [f"did not turn DB trunk/main to backup: {why}"])
        assert lines(here, language="ru") == [
            "не сделано (переключить DB trunk/main на backup): отказано, у пользователя AMI нет system в write= (manager.conf)"
        ]
        await recovers(here)
        await until(lambda: not here.pipeline.alerts)
        await asyncio.sleep(0.1)
        assert here.manager.names().count("DBPut") == 1
        assert "DBDel" not in here.manager.names()
        assert len(lines(here)) == 1


async def test_an_undo_that_is_refused_is_told_and_tried_again_after_a_reconnect() -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: lines(here))
        here.manager.answers["dbput"] = DENIED
        await recovers(here)
        await until(lambda: len(lines(here)) == 2)
        assert lines(here)[1].startswith("did not turn DB trunk/main back to mango: refused, manager user lacks system")
        here.manager.answers["dbput"] = pbx.answers["dbput"]
        here.manager.answers["sipshowregistry"] = registered_as("Registered")
        await here.manager.drop()
        await until(lambda: lines(here)[2:] == ["turned DB trunk/main back to mango"])


@pytest.mark.parametrize("where", ["rule", "configuration"])
async def test_a_dry_run_says_it_and_sends_nothing(where: str) -> None:
    pbx = Pbx({"trunk/main": "mango"})
    remedy, policy = (replace(TO_BACKUP, dry_run=True), ON) if where == "rule" else (TO_BACKUP, replace(ON, dry_run=True))
    async with office(pbx.answers) as here, running(here.watcher, service(here, remedy, policy=policy)):
        await until(lambda: lines(here) == ["would have turned DB trunk/main to backup (dry run)"])
        await recovers(here)
        await until(lambda: len(lines(here)) == 2)
        assert lines(here)[1] == "would have turned DB trunk/main back to what it was (dry run)"
        assert len(await here.audit(2, "remedy")) == 2
        assert not any(name.startswith("DB") for name in here.manager.names())


async def test_a_rule_alone_switches_nothing_on() -> None:
    spec = replace(next(rule for rule in RULES if rule.name == "trunk-down"), remedies=(TO_BACKUP,))
    async with office() as here:
        built = remedy_services(RemedyPolicy(), [spec], {"office": here.watcher}, here.desk, here.keeper, {}, here.clock)
        assert built == []
        built = remedy_services(ON, [spec], {"office": here.watcher}, here.desk, here.keeper, {}, here.clock)
        assert len(built) == 1


async def test_what_was_left_when_remedies_were_switched_off_is_told(caplog: pytest.LogCaptureFixture) -> None:
    pbx = Pbx({"trunk/main": "mango"})
    async with office(pbx.answers) as here, running(here.watcher, service(here)):
        await until(lambda: lines(here))
        meta = await here.meta()
        specs: Sequence[RuleSpec] = ()
        watchers = {"office": here.watcher}
        assert remedy_services(RemedyPolicy(), specs, watchers, here.desk, here.keeper, meta, here.clock) == []
        left = 'remedy.left pbx=office rule=trunk-down what="turned DB trunk/main to backup" why='
        assert f"{left}switched_off" in caplog.text
        remedy_services(ON, specs, {}, here.desk, here.keeper, meta, here.clock)
        assert f"{left}pbx_no_longer_configured" in caplog.text


GUARD = """
rules:
  - name: no-satellites
    kind: destination
    deny: ["+881", "+882"]
    remedies:
      - {action: hangup, cause: 21}
      - {action: originate, channel: PJSIP/100, sound: custom/alarm, variables: {WHO: "{subject}"}}
"""


def dials(uniqueid: str, number: str = "0088216123456", after_s: float = 1) -> str:
    caller = f"SIP/6117-{uniqueid}"
    return (
        f"Event: DialBegin\nPrivilege: call,all\nTimestamp: {START + after_s}\nChannel: {caller}\nUniqueid: 7.{uniqueid}\n"
        f"Linkedid: 7.{uniqueid}\nDestChannel: SIP/provider-{uniqueid}\nDestUniqueid: 8.{uniqueid}\n"
        f"DestLinkedid: 7.{uniqueid}\nDialString: provider/{number}\n\n"
    )


async def test_every_call_that_must_not_be_is_hung_up_once_and_somebody_is_called(tmp_path: Path) -> None:
    def hangs_up(action: Action) -> str:
        return GOOD if action["channel"] != "SIP/6117-2" else "Response: Error\nActionID: {id}\nMessage: No such channel\n\n"

    (tmp_path / "guard.yml").write_text(GUARD, encoding="utf-8")
    rules = load_rules([tmp_path])
    answers = {**Pbx().answers, "hangup": hangs_up, "originate": GOOD}
    async with office(answers, trunks=(), rules=rules) as here:
        (remedies,) = remedy_services(ON, rules, {"office": here.watcher}, here.desk, here.keeper, {}, here.clock)
        async with running(here.watcher, remedies):
            await until(lambda: here.pipeline.now is not None and here.pipeline.blind_since is None)
            await here.manager.say(dials("1"))
            await here.audit(2, "remedy")
            await here.manager.say(dials("2", after_s=2) + dials("3", "004930123456", after_s=2))
            told = await here.audit(3, "remedy")
            await asyncio.sleep(0.05)
        assert [row.partition(": ")[2] for row in told] == [
            "hung up SIP/6117-1",
            "called PJSIP/100",
            "did not hang up SIP/6117-2: the channel was gone already",
        ]
        assert here.asked("Hangup") == [{"channel": "SIP/6117-1", "cause": "21"}, {"channel": "SIP/6117-2", "cause": "21"}]
        (call,) = here.asked("Originate")
        assert call["variable"] == "WHO=SIP/6117"
        assert (call["application"], call["data"], call["async"]) == ("Playback", "custom/alarm", "true")
        assert lines(here) == [row.partition(": ")[2] for row in told]


ELSEWHERE = """
rules:
  - name: no-satellites
    kind: destination
    deny: ["+882"]
    remedies:
      - {action: redirect, context: announcements, exten: "900"}
"""


async def test_a_call_that_must_not_be_is_sent_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yml").write_text(ELSEWHERE, encoding="utf-8")
    rules = load_rules([tmp_path])
    async with office({**Pbx().answers, "redirect": GOOD}, trunks=(), rules=rules) as here:
        (remedies,) = remedy_services(ON, rules, {"office": here.watcher}, here.desk, here.keeper, {}, here.clock)
        async with running(here.watcher, remedies):
            await until(lambda: here.pipeline.now is not None and here.pipeline.blind_since is None)
            await here.manager.say(dials("1"))
            told = await here.audit(1, "remedy")
        sent = {"channel": "SIP/6117-1", "context": "announcements", "exten": "900", "priority": "1"}
        assert here.asked("Redirect") == [sent]
        assert [row.partition(": ")[2] for row in told] == lines(here)
        assert "SIP/6117-1" in lines(here)[0]
