"""Errors as one JSON shape, whoever raises them: ``{"error": {"code": ..., "message": ..., "details": [...]}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from qualitywatch.errors import StoreError


class ErrorDetail(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="Which part of the request: `query.since`, `body.ends_at`, ...")
    message: str = Field(description="What is wrong with it.")


class Error(BaseModel):
    """Why a request was not answered."""

    code: str = Field(description="A word for programs: `unauthorized`, `not_found`, `invalid`, ...")
    message: str = Field(description="A sentence for people.")
    details: list[ErrorDetail] = Field(default_factory=list, description="Each thing that is wrong, where there are several.")


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: Error


class RefusalError(HTTPException):
    """An error of a request, with the word for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code


def refusal(
    status: int,
    code: str,
    message: str,
    details: Sequence[ErrorDetail] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error as an answer."""
    body = ErrorBody(error=Error(code=code, message=message, details=list(details)))
    return JSONResponse(body.model_dump(), status, headers)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors that a route may answer with, those of the gate included."""
    return {
        status: {"model": ErrorBody, "description": HTTPStatus(status).phrase}
        for status in (401, 403, 422, 429, 503, *statuses)
    }


def _allowed(request: Request) -> str | None:
    """Every documented method of this path; the framework names those of one route only."""
    for path, operations in request.app.openapi()["paths"].items():
        pattern, _, _ = compile_path(path)
        if pattern.match(request.scope["path"]):
            return ", ".join(sorted(method.upper() for method in operations))
    return None


def install(application: FastAPI) -> None:
    """Let every error of an application have the one shape."""

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 registered for it
        code = getattr(error, "code", HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"))
        allowed = _allowed(request) if error.status_code == 405 else None
        headers = error.headers if allowed is None else {"Allow": allowed}
        return refusal(error.status_code, code, str(error.detail), headers=headers)

    async def of_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 registered for it
        details = [
            ErrorDetail(where=".".join(str(part) for part in each["loc"]), message=str(each["msg"])) for each in error.errors()
        ]
        return refusal(422, "invalid", "The request cannot be understood.", details)

    async def of_store(request: Request, error: Exception) -> JSONResponse:
        return refusal(503, "store", f"What was measured cannot be read: {error}")

    async def of_bug(request: Request, error: Exception) -> JSONResponse:
        return refusal(500, "bug", "This is a bug of qualitywatch; its log tells more.")

    application.add_exception_handler(HTTPException, of_http)
    application.add_exception_handler(RequestValidationError, of_validation)
    application.add_exception_handler(StoreError, of_store)
    application.add_exception_handler(Exception, of_bug)
