"""The configuration: ``read_config`` turns a YAML file into a frozen ``Config`` or tells every mistake in it.

``read_config_and_rules`` does the same for the file and the rules it names, which is what a daemon starts from.
"""

from __future__ import annotations

from qualitywatch.config.incidents import DEFAULT_INHIBITIONS
from qualitywatch.config.reader import read_config, read_config_and_rules
from qualitywatch.config.settings import (
    AppriseTarget,
    CallConfig,
    Config,
    ConsoleTarget,
    InfluxConfig,
    LampConfig,
    PbxConfig,
    QueuesConfig,
    ReportConfig,
    RetentionConfig,
    RulesConfig,
    StoreConfig,
    TargetConfig,
    TelegramConfig,
    TelegramTarget,
    TlsConfig,
    WebConfig,
    WebhookTarget,
)

__all__ = [
    "DEFAULT_INHIBITIONS",
    "AppriseTarget",
    "CallConfig",
    "Config",
    "ConsoleTarget",
    "InfluxConfig",
    "LampConfig",
    "PbxConfig",
    "QueuesConfig",
    "ReportConfig",
    "RetentionConfig",
    "RulesConfig",
    "StoreConfig",
    "TargetConfig",
    "TelegramConfig",
    "TelegramTarget",
    "TlsConfig",
    "WebConfig",
    "WebhookTarget",
    "read_config",
    "read_config_and_rules",
]
