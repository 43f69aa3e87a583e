"""From a configuration to parts that work: endpoints, channel options, the desk's policy, pipelines.  Builds, runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from qualitywatch.ami.endpoint import AmiEndpoint, TlsOptions
from qualitywatch.ami.session import DEFAULT_EVENTS
from qualitywatch.app.keeper import LEARNED_KEY, left_off, rule_memories, trunk_memories
from qualitywatch.config import (
    AppriseTarget,
    CallConfig,
    Config,
    ConsoleTarget,
    PbxConfig,
    TargetConfig,
    TelegramTarget,
    WebhookTarget,
)
from qualitywatch.desk.desk import Desk
from qualitywatch.desk.policy import DeskPolicy
from qualitywatch.errors import ConfigError
from qualitywatch.model import Alert, AlertState
from qualitywatch.notify.channels import apprise, console, telegram, webhook
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.registry import ChannelOptions
from qualitywatch.pipeline import Pipeline
from qualitywatch.ports import Clock, Notifier, StoredState
from qualitywatch.rules.spec import RuleSpec
from qualitywatch.store.backends.rollup import RollupOptions
from qualitywatch.store.places import Labels, no_labels

MARK_KEY = "state.mark"  # what tells buttons of this state from those of one that was lost
LANGUAGE_KEY = "telegram.language."  # of a chat that chose its own: the meta key before its id


def endpoint(pbx: PbxConfig, call: CallConfig | None = None) -> AmiEndpoint:
    """Where and how to log in; the PBX that places calls is asked for keys as well."""
    events = f"{DEFAULT_EVENTS},dtmf" if call is not None and call.pbx == pbx.name else DEFAULT_EVENTS
    tls = TlsOptions(ca_file=pbx.tls.ca_file, verify=pbx.tls.verify) if pbx.tls is not None else None
    secret = pbx.secret.reveal()
    return AmiEndpoint(
        pbx.name, pbx.host, pbx.port, pbx.username, secret, tls, md5=pbx.md5, events=events, ajam_path=pbx.ajam_path
    )


def dashboards(config: Config, pipelines: Mapping[str, Pipeline]) -> Dashboards | None:
    """What makes links into Grafana, where there is one; ``pipelines`` may be filled in later."""

    def trunk_of(pbx: str, subject: str) -> str | None:
        return pipelines[pbx].trunk_of(subject) if pbx in pipelines else None

    return Dashboards(config.grafana_url, trunk_of) if config.grafana_url is not None else None


def channel_options(
    config: Config, target: TargetConfig, meta: Mapping[str, str], clock: Clock, links: Dashboards | None = None
) -> ChannelOptions:
    """Options of a target's channel; a chat's own choice of language goes before the configured one."""
    match target.options:
        case ConsoleTarget():
            return console.Options(language=target.language, dashboards=links)
        case WebhookTarget(url, secret):
            return webhook.Options(url=url, now=clock.now, secret=secret, language=target.language, dashboards=links)
        case AppriseTarget(urls):
            return apprise.Options(urls=urls, language=target.language, dashboards=links)
        case TelegramTarget(chat_id, topic, pictures):
            if config.telegram is None:
                raise ConfigError([f"notify {target.name}: a telegram target needs a telegram section with the bot's token"])
            return telegram.Options(
                chat_id=chat_id,
                token=config.telegram.token,
                token_from="telegram.token of the configuration",  # noqa: S106 a place, not a password
                thread_id=topic,
                language=_chosen_language(chat_id, meta) or target.language,
                base_url=config.telegram.base_url,
                proxy=config.telegram.proxy,
                pictures=pictures,
                buttons=config.telegram.commands and bool(config.telegram.users),
                mark=meta.get(MARK_KEY, ""),
                dashboards=links,
            )


def _chosen_language(chat_id: int, meta: Mapping[str, str]) -> str | None:
    """What a chat has chosen to read, under its present id or under one it had when it chose."""
    ids = reversed(telegram.ids_of_chat(chat_id, meta))
    return next((meta[key] for key in (f"{LANGUAGE_KEY}{each}" for each in ids) if key in meta), None)


def language_of(config: Config, notifiers: Mapping[str, Notifier]) -> Callable[[str], str]:
    """What tells the language of a target: a chat may have chosen another one since."""

    def language(target: str) -> str:
        notifier = notifiers.get(target)
        return notifier.language if isinstance(notifier, telegram.TelegramNotifier) else config.language

    return language


def rollup_options(config: Config, labels: Labels = no_labels) -> RollupOptions:
    """How long series are kept; ``labels`` tells where peers belong."""
    keep = config.store.keep
    return RollupOptions(
        minutes_s=keep.minutes_s, hours_s=keep.hours_s, calls_s=keep.calls_s, events_s=keep.events_s, labels=labels
    )


def desk_policy(policy: DeskPolicy, specs: Sequence[RuleSpec]) -> DeskPolicy:
    """The configured policy with the labels of the rules in force."""
    return replace(policy, labels={spec.name: spec.labels for spec in specs if spec.labels})


def pipeline(config: Config, pbx: PbxConfig, specs: Sequence[RuleSpec], stored: StoredState) -> Pipeline:
    """The pipeline of one PBX, with what was known of it before."""
    return Pipeline(
        pbx.name,
        specs,
        names={**config.names, **config.trunks},
        alerts=stored.alerts,
        left_off=left_off(pbx.name, stored.meta),
        agents=stored.agents,
        agents_learned=LEARNED_KEY + pbx.name in stored.meta,
        trunk_memories=trunk_memories(pbx.name, stored.meta),
        rule_memories=rule_memories(pbx.name, stored.meta),
        zone=config.timezone,
        trunk_peers=config.trunk_peers,
        sites=config.sites,
        queues=pbx.queues.only if pbx.queues is not None else (),
    )


def desk(config: Config, specs: Sequence[RuleSpec], stored: StoredState, pipelines: Mapping[str, Pipeline]) -> Desk:
    """The desk with what was on it before."""

    def trunk_of(pbx: str, subject: str) -> str | None:
        return pipelines[pbx].trunk_of(subject) if pbx in pipelines else None

    def places_of(pbx: str, subject: str) -> tuple[str, ...]:
        return pipelines[pbx].places_of(subject) if pbx in pipelines else ()

    policy = desk_policy(config.desk, specs)
    return Desk(
        policy,
        incidents=stored.incidents,
        silences=stored.silences,
        last_incident=stored.last_incident,
        last_silence=stored.last_silence,
        trunk_of=trunk_of,
        places_of=places_of,
    )


def of_other_pbxes(alerts: Sequence[Alert], pbxes: set[str]) -> list[Alert]:
    """Alerts of PBXes that are no longer configured, in their inactive form."""
    return [replace(alert, state=AlertState.INACTIVE) for alert in alerts if alert.key.pbx not in pbxes]
