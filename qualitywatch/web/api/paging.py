"""Pages of long lists: how they are asked for, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

T = TypeVar("T")
V = TypeVar("V")

Limit = Annotated[int, Query(ge=1, le=1000, description="How many to return at most.")]
Offset = Annotated[int, Query(ge=0, le=100_000, description="How many to pass over: `next_offset` of the page before.")]
Name = Annotated[str | None, Query(min_length=1, max_length=200)]


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    offset: int = Field(description="How many of the list were passed over.")
    next_offset: int | None = Field(description="The offset of the next page; null on the last one.")
    total: int | None = Field(default=None, description="How long the whole list is; null where counting would be dear.")


def cut(whole: Sequence[V], limit: int, offset: int, shown: Callable[[V], T]) -> Page[T]:
    """A page of a list that is there as a whole."""
    items = [shown(each) for each in whole[offset : offset + limit]]
    following = offset + limit
    return Page.model_construct(
        items=items, offset=offset, next_offset=following if following < len(whole) else None, total=len(whole)
    )


def paged(found: Sequence[V], limit: int, offset: int, shown: Callable[[V], T]) -> Page[T]:
    """A page of a list of which one more than the limit was read."""
    items = [shown(each) for each in found[:limit]]
    return Page.model_construct(
        items=items, offset=offset, next_offset=offset + limit if len(found) > limit else None, total=None
    )
