"""The actions a remedy may be: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qualitywatch.model import RemedyAction
from qualitywatch.remedies.action import ActionKind
from qualitywatch.remedies.actions.dbput import DBPUT
from qualitywatch.remedies.actions.hangup import HANGUP
from qualitywatch.remedies.actions.originate import ORIGINATE
from qualitywatch.remedies.actions.redirect import REDIRECT
from qualitywatch.remedies.actions.setvar import SETVAR

ACTIONS: Final[Mapping[RemedyAction, ActionKind]] = {
    RemedyAction.HANGUP: HANGUP,
    RemedyAction.REDIRECT: REDIRECT,
    RemedyAction.SETVAR: SETVAR,
    RemedyAction.DBPUT: DBPUT,
    RemedyAction.ORIGINATE: ORIGINATE,
}
