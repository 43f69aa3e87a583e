"""Silences: read, made, ended."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from qualitywatch.model import Severity, Silence
from qualitywatch.room import SilenceRequest
from qualitywatch.web.api.paging import Limit, Offset, Page, cut
from qualitywatch.web.asking import By, Seen
from qualitywatch.web.instants import Instant, Text, When, instant, maybe_instant
from qualitywatch.web.refusals import RefusalError, responses

router = APIRouter(prefix="/silences", tags=["silences"])

Selector = Annotated[str, Field(min_length=1, max_length=200)]
Selectors = Annotated[list[Selector], Field(max_length=100)]


_ENDS: Final = ("ends_at", "duration_s")
_SELECTORS: Final = ("rules", "subjects", "pbxes", "severities")


def _given(name: str) -> JsonDict:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


class SilenceModel(BaseModel):
    """Quiet that somebody asked for: what matches every list that is not empty, by one of its selectors."""

    id: int
    starts: Instant | None = Field(description="When it begins; null: when it was made.")
    ends: Instant
    created: Instant
    expired: Instant | None = Field(description="When it was ended before its time.")
    is_in_force: bool
    by: Text
    comment: Text
    rules: list[Text]
    subjects: list[Text]
    pbxes: list[Text]
    severities: list[Text]
    incident: int | None = Field(description="The incident whose button made it: its alerts alone, which the lists name.")


class SilenceWish(BaseModel):
    """A silence to be made: one of `ends_at` and `duration_s`, and at least one selector.

    A selector is a name, a name with `*`, or a regular expression between slashes.  One that might take too long to match is
    refused (a repeat inside a repeat, several in a row), and no expression matches a name of more than 100 characters.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [_given(name) for name in _ENDS],
            "anyOf": [{"required": [name], "properties": {name: {"type": "array", "minItems": 1}}} for name in _SELECTORS],
        },
    )

    ends_at: When | None = None
    duration_s: Annotated[
        float | None, Field(gt=0, le=366 * 86_400, description="How long, in seconds, from its beginning.")
    ] = None
    starts_at: When | None = None
    rules: Selectors = []
    subjects: Selectors = []
    pbxes: Selectors = []
    severities: Annotated[list[Severity], Field(max_length=3)] = []
    comment: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _says_what_and_how_long(self) -> SilenceWish:
        if (self.ends_at is None) == (self.duration_s is None):
            raise ValueError("one of ends_at and duration_s must be given")
        if not any(getattr(self, name) for name in _SELECTORS):
            raise ValueError("would silence everything by accident: name a rule, subject, PBX or severity (subject * is all)")
        return self

    def request(self, now: float) -> SilenceRequest:
        """What the room is asked for."""
        begins_at = now if self.starts_at is None else self.starts_at
        return SilenceRequest(
            ends_at=self.ends_at if self.ends_at is not None else begins_at + (self.duration_s or 0.0),
            starts_at=self.starts_at,
            rules=tuple(self.rules),
            subjects=tuple(self.subjects),
            pbxes=tuple(self.pbxes),
            severities=tuple(self.severities),
            comment=self.comment,
        )


def shown(silence: Silence, now: float) -> SilenceModel:
    """A silence as the API tells of it."""
    begun = silence.starts_at is None or silence.starts_at <= now
    return SilenceModel(
        id=silence.id,
        starts=maybe_instant(silence.starts_at),
        ends=instant(silence.ends_at),
        created=instant(silence.created_at),
        expired=maybe_instant(silence.expired_at),
        is_in_force=begun and silence.ends_at > now and silence.expired_at is None,
        by=silence.by,
        comment=silence.comment,
        rules=list(silence.rules),
        subjects=list(silence.subjects),
        pbxes=list(silence.pbxes),
        severities=list(silence.severities),
        incident=silence.incident or None,
    )


@router.get("", responses=responses(), summary="Silences in force or to come")
async def silences(sources: Seen, limit: Limit = 100, offset: Offset = 0) -> Page[SilenceModel]:
    """Return silences by number."""
    now = sources.room.now()
    return cut(sources.room.silences(), limit, offset, lambda silence: shown(silence, now))


@router.post("", status_code=201, responses=responses(400, 409), summary="Make a silence")
async def silence(sources: Seen, by: By, wish: SilenceWish) -> SilenceModel:
    """Nobody is told of what it matches, until it ends."""
    now = sources.room.now()
    try:
        made = await sources.room.silence(wish.request(now), by)
    except ValueError as exc:
        raise RefusalError(409, "refused", f"The silence {exc}.") from exc
    return shown(made, now)


@router.delete("/{silence_id}", responses=responses(404), summary="End a silence now")
async def expire(
    sources: Seen, by: By, silence_id: Annotated[int, Path(ge=1, le=2**53, description="The number of the silence.")]
) -> SilenceModel:
    """End a silence; one that is over stays as it is."""
    ended = await sources.room.expire_silence(silence_id, by)
    if ended is None:
        raise RefusalError(404, "not_found", f"No silence {silence_id} is known.")
    return shown(ended, sources.room.now())
