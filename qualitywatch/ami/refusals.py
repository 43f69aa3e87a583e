"""What a refused login means and which line of manager.conf to look at.

Strategy: Asterisk says little on purpose (a wrong name, a wrong secret and a forbidden address look alike), so each of its few
texts is translated into everything it can mean.

Standard: ``main/manager.c`` (``authenticate``, ``process_message``) of Asterisk 11 to 23.
"""

from __future__ import annotations

from qualitywatch.errors import AmiAuthError, AmiConnectError, QualitywatchError


def login_refusal(username: str, text: str) -> QualitywatchError:
    """Return the error for a login answered by ``text``; AmiConnectError when trying again soon can help."""
    refused = f"refused the login of {username} ({one_line(text)})"
    match text.casefold():
        case "authentication failed":
            return AmiAuthError(
                f"{refused}: wrong user name or secret, or this machine's address is not permitted: "
                f"see secret, deny and permit in section [{username}] of manager.conf"
            )
        case "login already in use":
            return AmiAuthError(
                f"{refused}: somebody else is logged in under this name: give this daemon a manager user of its own, "
                "or set allowmultiplelogin=yes in manager.conf"
            )
        case "permission denied":
            return AmiAuthError(f"{refused}: this kind of login is not allowed: see section [{username}] of manager.conf")
        case "asterisk is shutting down":
            return AmiConnectError("is shutting down")
        case _:
            return AmiAuthError(f"{refused}: see section [{username}] of manager.conf")


def challenge_refusal(text: str) -> AmiAuthError:
    """Return the error for an MD5 challenge that was not given."""
    return AmiAuthError(
        f"refused the MD5 challenge ({one_line(text)}): if this PBX only takes the plain login, set md5: false for it, and "
        "use TLS then"
    )


def one_line(text: str) -> str:
    """Return foreign text fit for a log line: no line ends, no control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
