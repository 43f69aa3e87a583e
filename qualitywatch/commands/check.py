"""``qualitywatch check``: say what would run, or everything that is wrong, without starting anything.

Exit codes: 0 when the daemon would start with this configuration, 2 when it would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from qualitywatch.config import (
    AppriseTarget,
    CallConfig,
    Config,
    ConsoleTarget,
    InfluxConfig,
    PbxConfig,
    TargetConfig,
    TelegramConfig,
    TelegramTarget,
    WebhookTarget,
    read_config_and_rules,
)
from qualitywatch.desk.policy import DeskPolicy, Inhibition, MaintenanceWindow, Matcher, Route
from qualitywatch.document import WEEKDAYS, format_duration
from qualitywatch.errors import ConfigError
from qualitywatch.remedies.policy import RemedyPolicy
from qualitywatch.remedies.registry import ACTIONS
from qualitywatch.rules.spec import RuleSpec

EXIT_GOOD = 0
EXIT_PROBLEMS = 2


def check(config_path: Path, out: TextIO) -> int:
    """Check a configuration and its rules, print the findings to ``out`` and return the exit code."""
    try:
        config, rules = read_config_and_rules(config_path)
    except ConfigError as exc:
        print(exc, file=out)
        count = len(exc.problems)
        print(f"{count} problem{'s' * (count != 1)}: nothing would be started.", file=out)
        return EXIT_PROBLEMS
    for line in _summary(config_path, config, rules):
        print(line, file=out)
    return EXIT_GOOD


def _summary(config_path: Path, config: Config, rules: tuple[RuleSpec, ...]) -> list[str]:
    lines = [f"warning: {warning}" for warning in config.warnings]
    lines.append(f"{config_path} is good. What would run:")
    lines += [f"  pbx     {_pbx(pbx)}" for pbx in config.pbxes]
    lines += [f"  notify  {_target(target)}" for target in config.targets]
    if config.telegram is not None:
        lines.append(f"  press   {_users(config.telegram)}")
    lines += [f"  {word:<7} {text}" for word, text in _desk(config)]
    if config.call is not None:
        lines.append(f"  call    {_call(config.call)}")
    lines += [f"  lamp    {lamp.trunk}: Custom:{lamp.device} on {lamp.pbx}" for lamp in config.lamps]
    lines += [f"  rule    {rule.name} ({rule.kind}): {rule.summary}{_labels(rule.labels.items())}" for rule in rules]
    lines += [f"  remedy  {text}" for text in _remedies(config.remedies, rules)]
    lines += [f"  site    {name}: {', '.join(map(str, networks))}" for name, networks in config.sites.items()]
    lines += [f"  influx  {_database(influx)}" for influx in config.influx]
    if config.grafana_url is not None:
        lines.append(f"  grafana alerts link to {config.grafana_url}")
    lines.append(f"  state   {config.store.directory}")
    lines.append(f"  time    {config.timezone}")
    return lines


def _pbx(pbx: PbxConfig) -> str:
    if pbx.tls is None:
        transport = "plain TCP"
    elif not pbx.tls.verify:
        transport = "TLS, certificate not checked"
    else:
        transport = f"TLS, trusting {pbx.tls.ca_file}" if pbx.tls.ca_file else "TLS"
    host = f"[{pbx.host}]" if ":" in pbx.host else pbx.host
    return f"{pbx.name}: {pbx.username} at {host}:{pbx.port}, {transport}, {'MD5' if pbx.md5 else 'plain-text'} login"


def _database(influx: InfluxConfig) -> str:
    place = {"influxdb": f", bucket {influx.bucket} of {influx.org}", "influxdb1": f", database {influx.database}"}
    who = f" as {influx.username}" if influx.username is not None else ""
    trust = f", trusting {influx.ca_file}" if influx.ca_file is not None else ""
    return (
        f"{influx.name}: {influx.kind} at {influx.url}{place.get(influx.kind, '')}{who}{trust}; "
        f"up to {influx.spool_bytes >> 20} MiB wait on disk"
    )


def _target(target: TargetConfig) -> str:
    pbxes = f", only {', '.join(target.pbxes)}" if target.pbxes else ""
    return f"{target.name}: {_place(target)}, in {target.language}, {target.min_severity} and worse{pbxes}"


def _place(target: TargetConfig) -> str:
    """Say where it is, but no URL: those hold keys."""
    match target.options:
        case TelegramTarget(chat_id, topic, pictures):
            place = f"telegram chat {chat_id}" + (f" topic {topic}" if topic is not None else "")
            return place if pictures else f"{place} without pictures"
        case WebhookTarget(_, secret):
            return "webhook, signed" if secret else "webhook, not signed"
        case AppriseTarget(urls):
            return f"apprise, {len(urls)} address{'es' * (len(urls) != 1)}"
        case ConsoleTarget():
            return "console"


def _remedies(policy: RemedyPolicy, rules: Iterable[RuleSpec]) -> Iterator[str]:
    """Say of each remedy what becomes of it, and which right of the manager user it takes."""
    for rule in rules:
        for remedy in rule.remedies:
            right = ACTIONS[remedy.action].request(remedy.values).rights[0]
            how = f"at most {policy.max_per_hour} an hour, needs {right} in write= of manager.conf"
            if not policy.enabled:
                how = "off, remedies.enabled is not true"
            elif not policy.allows(remedy.action):
                how = "off, not among remedies.only"
            elif policy.dry_run or remedy.dry_run:
                how = "dry run"
            yield f"{rule.name}: {remedy.action}: {how}"


def _users(telegram: TelegramConfig) -> str:
    if not telegram.commands:
        return "nobody: the bot does not listen to buttons and commands (telegram.commands)"
    people = ", ".join(f"{name} ({number})" for number, name in telegram.users.items())
    return people or "nobody; name those who may in telegram.users"


def _desk(config: Config) -> Iterator[tuple[str, str]]:
    desk = config.desk
    yield "group", _grouping(desk, config.morning)
    for route in desk.routes:
        yield "route", _route(route)
    for inhibition in desk.inhibitions:
        yield "inhibit", _inhibition(inhibition)
    for window in desk.windows:
        yield "window", _window(window)


def _grouping(desk: DeskPolicy, morning: tuple[int, int]) -> str:
    same = f"by {', '.join(desk.group_by)} within {format_duration(desk.group_within_s)}" if desk.group_by else "never"
    flap = f"{desk.flap_fires} times in {format_duration(desk.flap_within_s)}" if desk.flap_fires else "never"
    return f"{same}; refreshed every {format_duration(desk.refresh_s)}; flapping: {flap}; morning: {_time(*morning)}"


def _route(route: Route) -> str:
    parts = [f"to {', '.join(route.targets) or 'everybody'}"]
    if route.repeat_s is not None:
        parts.append(f"again every {format_duration(route.repeat_s)}")
    if route.escalate_after_s is not None:
        parts.append(f"after {format_duration(route.escalate_after_s)} to {', '.join(route.escalate_to)}")
    if route.remind_s is not None:
        parts.append(f"reminder after {format_duration(route.remind_s)}")
    if route.go_on:
        parts.append("and on to the next routes")
    return f"{_matcher(route.match)}: {', '.join(parts)}"


def _inhibition(inhibition: Inhibition) -> str:
    same = f"of the same {' and '.join(inhibition.equal)}" if inhibition.equal else "on the same PBX"
    merged = ", in their incident" if inhibition.merge else ""
    return f"{_matcher(inhibition.source)} explains {_matcher(inhibition.target)} {same}{merged}"


def _window(window: MaintenanceWindow) -> str:
    hours = window.hours
    days = " ".join(WEEKDAYS[day] for day in sorted(hours.weekdays)) or "every day"
    times = f"{_time(*divmod(hours.start, 60))} to {_time(*divmod(hours.end, 60))} {hours.zone}"
    return f"{window.name}: {days}, {times}: {_matcher(window.match)}"


def _matcher(matcher: Matcher) -> str:
    parts = (
        ("", [str(severity) for severity in sorted(matcher.severities, key=lambda severity: severity.rank)]),
        ("rule ", matcher.rules),
        ("topic ", matcher.topics),
        ("subject ", matcher.subjects),
        ("pbx ", matcher.pbxes),
        *((f"{name}=", selectors) for name, selectors in matcher.labels.items()),
    )
    return ", ".join(word + "|".join(map(str, selectors)) for word, selectors in parts if selectors) or "everything"


def _call(call: CallConfig) -> str:
    return (
        f"{call.channel} through {call.pbx} when a critical alert is not acknowledged for {format_duration(call.after_s)}: "
        f"up to {call.attempts} times, every {format_duration(call.every_s)}, never more than {call.per_hour} an hour"
    )


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in labels)
    return f" [{shown}]" if shown else ""


def _time(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"
