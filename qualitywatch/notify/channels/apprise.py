"""Everything else as a target, through the library apprise: e-mail, Slack, Matrix, ntfy and a hundred more.

A target may name several addresses; each hears of every message, and one that failed is asked again without repeating it to the
others, whatever figures or other messages come between.  The library only tells whether it worked, and logs why; of that log
the status of an answer is kept and the rest is dropped, since there is no telling which text repeats an address, and addresses
hold passwords.

The library blocks, and bounds each read but not the whole: a receiver that drips a byte now and then keeps it for ever.  So
each address has a thread of its own, one at most, which a stop does not wait for: what hangs costs its address and nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from importlib import import_module, util
from pathlib import Path
from threading import Thread
from typing import Any, Final, NoReturn

from qualitywatch.errors import ConfigError, NotifyError
from qualitywatch.model import Attachment, Notification, Severity
from qualitywatch.notify.dashboards import Dashboards
from qualitywatch.notify.options import language_problems
from qualitywatch.notify.plain_target import PlainTarget
from qualitywatch.secrets import Secret

_MISSING: Final = "this channel needs one more package: pip install 'qualitywatch[channels]'"
_KINDS: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")
_UNDER_WAY: Final = 500  # messages
LIMIT_S: Final = 60.0  # more than the library's own pauses and timeouts take, less than whoever carries the message allows
_STATUS: Final = re.compile(r"\berror=([1-5]\d\d)\b")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """One or more addresses in the notation of apprise, such as ``mailto://user:password@example.org``."""

    urls: tuple[Secret, ...]
    language: str = "en"
    dashboards: Dashboards | None = None

    def problems(self) -> list[str]:
        """Return what cannot work, in words fit for an administrator; empty when all is well.  Nobody is asked."""
        found = []
        if not self.urls:
            found.append("names no address")
        found += language_problems(self.language)
        if util.find_spec("apprise") is None:
            return [*found, _MISSING]
        for number, url in enumerate(self.urls, 1):
            if _service(url) is None:
                scheme = _SCHEME.match(url.reveal())
                shown = f" ({scheme[1]}://...)" if scheme else ""
                which = f"url number {number}" if len(self.urls) > 1 else "its url"
                found.append(f"{which}{shown} is not an address that apprise knows; see https://github.com/caronc/apprise/wiki")
        return found


class AppriseNotifier(PlainTarget[Options]):
    """Carries notifications to the services of one target."""

    options_type = Options
    for_machines = True  # it tells whether the trouble is over

    def __init__(self, options: Options, *, show_pbx: bool, zone: tzinfo, limit_s: float = LIMIT_S) -> None:
        """Prepare the services; raises ConfigError when one cannot be used.  ``limit_s`` is how long one may take."""
        super().__init__(options, show_pbx=show_pbx, zone=zone)
        self._limit_s = limit_s
        self._addresses = tuple(_Address(url) for url in options.urls)
        self._taken: dict[str, set[_Address]] = {}  # of messages that not every address has, by what they tell

    async def send(self, notification: Notification, *, reply_to: int | None = None) -> None:
        """Send one message and return when every address has it; raises a NotifyError worth trying again.

        The first line is the title, the rest the text; what there is of an attachment goes along where the service takes files.
        """
        del reply_to
        told = notification.tells or notification.looks
        taken = self._taken[told] = self._taken.pop(told, set())
        while len(self._taken) > _UNDER_WAY:
            del self._taken[next(iter(self._taken))]
        title, _, text = notification.plain.partition("\n")
        over = notification.payload.get("status") == "resolved"
        message = {
            "title": title if text else "",
            "body": text or title,
            "notify_type": "success" if over else _KINDS[notification.severity],
            "body_format": "text",
        }
        waiting = [address for address in self._addresses if address not in taken]
        # Each notes by itself that it took the message, so that it counts also when this is cancelled, or was too slow.
        sending = [task for address in waiting if (task := address.begin(message, notification.attachment, taken)) is not None]
        if sending:
            await asyncio.wait(sending, timeout=self._limit_s)
        if failed := [address for address in waiting if address not in taken]:
            which = ", ".join(sorted({address.described() for address in failed}))
            raise NotifyError(f"apprise could not deliver to {which}: check the address and the network", permanent=False)
        self._taken.pop(told, None)  # the same words once more are news

    async def edit(self, message_id: int, notification: Notification) -> NoReturn:
        """What was sent cannot be changed: always raises a permanent NotifyError."""
        raise NotifyError("a message through apprise cannot be changed", permanent=True)

    async def send_picture(self, picture: bytes | str, caption: str, *, reply_to: int) -> NoReturn:
        """Pictures below a message are not known here: always raises a permanent NotifyError."""
        raise NotifyError("a picture cannot be sent through apprise", permanent=True)

    async def close(self) -> None:
        """Nothing stays open between two messages."""


class _Ear(logging.Handler):
    """Listens to one service's log for the status of its last answer."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard = ""

    def emit(self, record: logging.LogRecord) -> None:
        if found := _STATUS.search(record.getMessage()):
            self.heard = f"it answers {found[1]}"


class _Address:
    """One service, its log cut off from everybody else's."""

    def __init__(self, url: Secret) -> None:
        service = _service(url)
        if service is None:
            raise ConfigError(["an address is not one that apprise knows; see https://github.com/caronc/apprise/wiki"])
        self._ear = _Ear()
        service.logger = logging.Logger("qualitywatch.apprise", logging.WARNING)
        service.logger.addHandler(self._ear)
        self._name = str(service.service_name)
        self._sender: Any = import_module("apprise").Apprise(asset=service.asset)
        self._sender.add(service)
        self._is_busy = False

    def begin(
        self, message: Mapping[str, str], attachment: Attachment | None, taken: set[_Address]
    ) -> asyncio.Future[None] | None:
        """Send a message; it joins ``taken`` once it has it.  None when it is still at another, which may be for ever."""
        if self._is_busy:
            return None
        self._ear.heard = ""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def end(*, worked: bool) -> None:
            self._is_busy = False
            if worked:
                taken.add(self)
            over.set_result(None)

        def work() -> None:
            worked = False
            try:
                with ExitStack() as files:
                    worked = self._sender.notify(**message, attach=_file(files, attachment)) is True
            except Exception as error:  # noqa: BLE001 its text may repeat the address
                self._ear.heard = f"unexpected {type(error).__name__}, please report it"
            finally:
                with suppress(RuntimeError):  # the event loop has ended
                    loop.call_soon_threadsafe(partial(end, worked=worked))

        Thread(target=work, name=f"apprise {self._name}", daemon=True).start()
        self._is_busy = True
        return over

    def described(self) -> str:
        """The kind of service, and what is known of why it failed."""
        heard = "it does not come to an end" if self._is_busy else self._ear.heard
        return f"{self._name} ({heard})" if heard else self._name


def _service(url: Secret) -> Any:
    """Return the library's object for one address, None when it knows no such; the library must be installed."""
    # Its log shows an address it cannot read as it is; requests' own log shows every one at DEBUG.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    for name in ("urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.ERROR)
    library = import_module("apprise")
    asset = library.AppriseAsset(
        app_id="qualitywatch",
        app_desc="qualitywatch",
        app_url="",
        secure_logging=True,
        interpret_emojis=False,  # a caller's name is not to become a picture
        interpret_escapes=False,
        pgp_autogen=False,  # nothing is written to the disk
        pem_autogen=False,
        storage_mode="memory",
    )
    return library.Apprise.instantiate(url.reveal(), asset=asset)


def _file(files: ExitStack, attachment: Attachment | None) -> str | None:
    """The attachment as a file under its own name, for as long as ``files``; the text goes without where the disk is full."""
    if attachment is None:
        return None
    try:
        directory = files.enter_context(tempfile.TemporaryDirectory(prefix="qualitywatch-"))
        path = Path(directory, Path(attachment.name).name)
        path.write_bytes(attachment.content)
    except OSError as error:
        _log.warning("a message through apprise goes without %s: %s", attachment.name, error.strerror)
        return None
    return str(path)
