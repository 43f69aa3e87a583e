"""What the Bot API accepts as a message, as strict as the server: texts, keyboards, pictures, files."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tests.fakes.telegram_html import visible_text

TEXT_LIMIT_UTF16: Final = 4096
CAPTION_LIMIT_UTF16: Final = 1024
ANSWER_LIMIT_UTF16: Final = 200
_PHOTO_BYTES: Final = 10 << 20
_DOCUMENT_BYTES: Final = 50 << 20
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COMMAND: Final = re.compile(r"[a-z0-9_]{1,32}")

Keyboard: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]  # rows of (label, data)


class ApiError(Exception):
    """An answer with ``ok: false``."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}


def bad(complaint: str) -> ApiError:
    return ApiError(400, f"Bad Request: {complaint}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Living:
    """One message of the bot as its readers finally see it; ``history`` holds the texts it had before, oldest first."""

    message_id: int
    chat_id: int
    thread_id: int | None
    text: str  # the caption of a picture or file
    buttons: Keyboard
    picture: bytes | None
    document: Upload | None
    reply_to: int | None
    is_silent: bool
    history: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """What stands on the buttons."""
        return [label for row in self.buttons for label, _ in row]


@dataclass(slots=True)
class Message:
    """What the server keeps of a message."""

    message_id: int
    chat_id: int
    thread_id: int | None
    sender: Mapping[str, object]
    date: int
    text: str
    raw: str = ""
    keyboard: Keyboard = ()
    picture: bytes | None = None
    document: Upload | None = None
    reply_to: int | None = None
    is_silent: bool = False
    history: list[str] = field(default_factory=list)

    @property
    def is_of_bot(self) -> bool:
        return bool(self.sender["is_bot"])

    def living(self) -> Living:
        return Living(
            self.message_id,
            self.chat_id,
            self.thread_id,
            self.text,
            self.keyboard,
            self.picture,
            self.document,
            self.reply_to,
            self.is_silent,
            tuple(self.history),
        )

    def as_json(self) -> dict[str, object]:
        result: dict[str, object] = {
            "message_id": self.message_id,
            "date": self.date,
            "chat": chat_json(self.chat_id),
            "from": dict(self.sender),
        }
        file = {"file_id": f"f{self.message_id}", "file_unique_id": f"u{self.message_id}"}
        if self.picture is not None:
            result["photo"] = [{**file, "width": 1, "height": 1, "file_size": len(self.picture)}]
        if self.document is not None:
            result["document"] = {**file, "file_name": self.document.name, "file_size": len(self.document.content)}
        if self.text:
            result["text" if self.picture is None and self.document is None else "caption"] = self.text
        if self.thread_id is not None:
            result |= {"message_thread_id": self.thread_id, "is_topic_message": True}
        if self.keyboard:
            rows = [[{"text": label, "callback_data": data} for label, data in row] for row in self.keyboard]
            result["reply_markup"] = {"inline_keyboard": rows}
        if self.history:
            result["edit_date"] = self.date
        return result


def chat_json(chat_id: int) -> dict[str, object]:
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": "Reader"}
    return {"id": chat_id, "type": "supergroup", "title": "Readers", "is_forum": True}


def shown_text(params: Mapping[str, str], key: str = "text") -> str:
    """What readers see of the text or caption; raises ApiError."""
    raw = params.get(key, "")
    try:
        text = visible_text(raw) if params.get("parse_mode") == "HTML" else raw
    except ValueError as error:
        raise bad(f"can't parse entities: {error}") from error
    if key == "text" and not text.strip():
        raise bad("message text is empty")
    if key == "text" and units(text) > TEXT_LIMIT_UTF16:
        raise bad("message is too long")
    if key == "caption" and units(text) > CAPTION_LIMIT_UTF16:
        raise bad("message caption is too long")
    return text


def keyboard(params: Mapping[str, str]) -> Keyboard:
    """The buttons below a message; raises ApiError."""
    markup = _json(params, "reply_markup", {})
    if not isinstance(markup, dict) or set(markup) - {"inline_keyboard"}:
        raise bad("can't parse reply keyboard markup JSON object")
    rows = tuple(tuple(_button(button) for button in row) for row in markup.get("inline_keyboard", []) if row)
    if any(len(row) > 8 for row in rows) or sum(map(len, rows)) > 100:
        raise bad("reply markup is too long")
    return rows


def _button(button: Mapping[str, Any]) -> tuple[str, str]:
    if set(button) != {"text", "callback_data"}:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    label, data = button["text"], button["callback_data"]
    if not label.strip():
        raise bad("can't parse inline keyboard button: Text must be non-empty")
    if not 1 <= len(data.encode()) <= 64:
        raise bad("BUTTON_DATA_INVALID")
    return label, data


def picture(upload: Upload | None) -> bytes:
    """A PNG that Telegram shows as a photo; raises ApiError."""
    if upload is None:
        raise bad("there is no photo in the request")
    content = upload.content
    if not content:
        raise bad("file must be non-empty")
    if len(content) > _PHOTO_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if not content.startswith(_PNG) or len(content) < 24:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", content[16:24])
    if not 0 < width + height <= 10_000 or max(width, height) > 20 * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return content


def document(upload: Upload | None) -> Upload:
    """A file; raises ApiError."""
    if upload is None:
        raise bad("there is no document in the request")
    if not upload.content:
        raise bad("file must be non-empty")
    if len(upload.content) > _DOCUMENT_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    return upload


def media(params: Mapping[str, str], files: Mapping[str, Upload]) -> Upload | None:
    """The file that takes the place of another; raises ApiError."""
    wanted = _json(params, "media", {})
    if wanted.get("type") != "document":
        raise bad("wrong type of the new media")
    return files.get(str(wanted.get("media", "")).removeprefix("attach://"))


def replied_to(params: Mapping[str, str], exists: bool) -> int | None:
    """The message that is answered, None when there is none any more and that does not matter; raises ApiError."""
    wanted = _json(params, "reply_parameters", None)
    if wanted is None:
        return None
    if not exists and not wanted.get("allow_sending_without_reply", False):
        raise bad("message to be replied not found")
    return int(wanted["message_id"]) if exists else None


def wanted_reply(params: Mapping[str, str]) -> int | None:
    wanted = _json(params, "reply_parameters", None)
    return int(wanted["message_id"]) if wanted is not None else None


def menu(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Commands of a menu with their descriptions; raises ApiError."""
    commands = tuple((it["command"], it["description"]) for it in _json(params, "commands", []))
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command, description in commands:
        if not _COMMAND.fullmatch(command):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= units(description) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return commands


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def integer(text: str | None, complaint: str) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise bad(complaint) from None


def _json(params: Mapping[str, str], key: str, default: Any) -> Any:
    if key not in params:
        return default
    try:
        return json.loads(params[key])
    except ValueError:
        raise bad(f"can't parse {key} JSON object") from None
