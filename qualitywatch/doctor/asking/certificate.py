"""The certificate of a TLS port: one handshake with the daemon's own settings, and nothing said behind it.

Standard: ``ssl.cert_time_to_seconds`` reads the times of a certificate as ``getpeercert`` writes them.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Final

from qualitywatch.ami.endpoint import AmiEndpoint, TlsOptions, tls_context
from qualitywatch.ami.failures import explain
from qualitywatch.doctor.facts import Failure, Stage, TlsFacts
from qualitywatch.errors import AmiConnectError

_WITHIN_S: Final = 10.0
_GOODBYE_S: Final = 2.0


async def look_at_tls(endpoint: AmiEndpoint, tls: TlsOptions) -> TlsFacts | Failure:
    """Shake hands and say until when the certificate is good, or why there was no handshake."""
    try:
        context = tls_context(tls)
        async with asyncio.timeout(_WITHIN_S):
            _, writer = await asyncio.open_connection(
                endpoint.host, endpoint.port, ssl=context, server_hostname=tls.server_name or endpoint.host
            )
    except AmiConnectError as exc:
        return Failure(Stage.TLS, str(exc))
    except (OSError, UnicodeError) as exc:
        # Silence within a handshake is the business of the port too: a plain manager waits for us, or says something else.
        return Failure(Stage.TLS if isinstance(exc, ssl.SSLError) else Stage.REACH, explain(exc, endpoint))
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_GOODBYE_S):
            await writer.wait_closed()
    ends = certificate.get("notAfter")
    return TlsFacts(tls.verify, ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None)
