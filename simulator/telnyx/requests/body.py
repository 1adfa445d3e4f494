"""Request bodies as they come: JSON objects and URL-encoded forms. Pure."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import parse_qsl

import msgspec

from simulator.telnyx.errors import Code, TelnyxError
from simulator.telnyx.requests.fields import Flag, Kind, Many, Number, Object, Whole, WholeChoice

MAX_FORM_FIELDS: Final = 1000

_FLAGS: Final = {"true": True, "false": False}


def decode_object(body: bytes) -> dict[str, Any]:
    """A JSON object. An empty body is an empty object: Pipecat hangs up without a body. Raises TelnyxError."""
    if not body.strip():
        return {}
    try:
        decoded = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise TelnyxError(Code.CHARACTER_ENCODING, "The request body must be encoded as UTF-8.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise TelnyxError(Code.INVALID_JSON, f"The request body is not valid JSON: {error}.") from None
    if not isinstance(decoded, dict):
        raise TelnyxError(Code.BAD_REQUEST, "The request body must be a JSON object.")
    return cast("dict[str, Any]", decoded)


def decode_form(body: bytes, table: Object) -> dict[str, Any]:
    """A form as the JSON object it stands for: where `table` wants a number, a boolean or a list, text that reads
    as one becomes one; all else stays text. Of a name that comes twice the last counts. Raises TelnyxError."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except UnicodeError:
        raise TelnyxError(Code.CHARACTER_ENCODING, "The form must be URL-encoded UTF-8.") from None
    except ValueError:
        raise TelnyxError(
            Code.BAD_REQUEST, f"The form must have at most {MAX_FORM_FIELDS} fields separated by &."
        ) from None
    form: dict[str, Any] = {}
    for name, text in pairs:
        kind = table.kinds.get(name)
        if isinstance(kind, Many):
            form.setdefault(name, []).append(text)
        else:
            form[name] = _converted(text, kind)
    return form


def decode_body(body: bytes, content_type: str, table: Object) -> dict[str, Any]:
    """A JSON or form body, by its `Content-Type`; without one, by its first byte. Raises TelnyxError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return decode_form(body, table)
    if kind in ("", "application/json") or kind.endswith("+json"):
        return decode_object(body) if kind or body.lstrip()[:1] in (b"{", b"[", b"") else decode_form(body, table)
    detail = "Send the request as application/json or application/x-www-form-urlencoded."
    raise TelnyxError(Code.UNSUPPORTED_CONTENT_TYPE, detail)


def _converted(text: str, kind: Kind | None) -> Any:
    if isinstance(kind, Flag):
        return _FLAGS.get(text.lower(), text)
    try:
        if isinstance(kind, Whole | WholeChoice):
            return int(text) if text.isascii() and len(text) <= 20 else text
        if isinstance(kind, Number):
            return float(text) if text.isascii() and len(text) <= 40 else text
    except ValueError:
        # What the kind then says of a text is what Telnyx says of it.
        return text
    return text
