"""Ranges of bytes of a film on a server: S3 by botocore, the web by requests, all others by fsspec.

Credentials are those that other tools read: AWS_PROFILE, AWS_ENDPOINT_URL and the files below ~/.aws; ~/.netrc. Every
range is asked for as the film was when it was listed, so that a film that is replaced meanwhile is noticed. Messages
name the address alone, never what a server redirected to: that may hold a signature.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Protocol

from tasks.decode.film_address import WEB, FilmAddress
from tasks.errors import SemflowError

CONNECT_S = 5
"""Seconds to wait for a connection."""
READ_S = 30
"""Seconds to wait for the next bytes."""
PLAIN_ETAG_DIGITS = 32
"""An ETag of S3 that is an MD5; that of an upload in parts has their number behind it."""
PLAIN_ENCRYPTION = (None, "AES256")
"""Encryption by S3's own keys, or none: then the ETag of an upload in one part is the MD5 of its bytes (S3 API
Reference, Object). With a customer's keys it is not."""
PARTIAL, BAD_RANGE, CHANGED = 206, 416, 412
MISSING = (404, 410)
FORBIDDEN = (401, 403)


class FilmSource(Protocol):
    """A server that holds films."""

    def examine(self, url: str) -> FilmAddress:
        """Size and mark of a film now; FileNotFoundError, PermissionError or ConnectionError where it cannot say."""
        ...

    def read(self, address: FilmAddress, start: int, end: int) -> bytes:
        """Bytes `start` to before `end`, also fewer; errors as above, and SemflowError where the film has changed."""
        ...


def find_source(url: str) -> FilmSource:
    """What reads `url`; SemflowError where its driver is missing or nothing reads such an address."""
    protocol = url.partition("://")[0]
    # Connections must not be shared with a process that was forked.
    return _open_source("http" if protocol in WEB else protocol, os.getpid())


def close_sources() -> None:
    """Forget all connections and settings: the next film is read with those of the environment as it is then."""
    _open_source.cache_clear()


@cache
def _open_source(protocol: str, _process: int) -> FilmSource:
    if protocol == "http":
        return _Web()
    return _S3() if protocol == "s3" else _OtherServer()


class _Web:
    def __init__(self) -> None:
        import requests

        self._session = requests.Session()
        self._session.headers["Accept-Encoding"] = "identity"

    def examine(self, url: str) -> FilmAddress:
        # The first byte rather than HEAD: it shows that the server gives ranges, and signed redirects refuse HEAD.
        with self._get(url, {"Range": "bytes=0-0"}) as answer:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if answer.status_code not in (PARTIAL, BAD_RANGE) or not total.isdecimal():
                raise SemflowError(
                    f"{url} must be on a server that gives ranges of a file, got an answer without one; copy the film "
                    "into data/raw"
                )
            return FilmAddress(url, int(total), _mark_answer(answer))

    def read(self, address: FilmAddress, start: int, end: int) -> bytes:
        import requests

        wanted = {"Range": f"bytes={start}-{end - 1}"}
        if address.mark.startswith('"'):
            wanted["If-Match"] = address.mark
        with self._get(address.url, wanted) as answer:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if answer.status_code != PARTIAL or total != str(address.size) or _mark_answer(answer) != address.mark:
                raise _changed(address.url)
            try:
                return answer.content
            except requests.RequestException as error:
                raise _lost(address.url, type(error).__name__) from None

    def _get(self, url: str, headers: dict[str, str]) -> Any:
        import requests

        try:
            answer = self._session.get(url, headers=headers, stream=True, timeout=(CONNECT_S, READ_S))
        except requests.RequestException as error:
            raise _lost(url, type(error).__name__) from None
        if answer.status_code in (CHANGED, BAD_RANGE, PARTIAL) or answer.ok:
            return answer
        answer.close()
        raise _refused(url, answer.status_code, answer.reason)


def _mark_answer(answer: Any) -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


class _S3:
    def __init__(self) -> None:
        try:
            import botocore.session
            from botocore import UNSIGNED
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise _driver_missing("s3") from None
        options: dict[str, Any] = {
            "connect_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "retries": {"total_max_attempts": 1, "mode": "standard"},
        }
        try:
            session: Any = botocore.session.Session()
            if session.get_credentials() is None:  # a public bucket
                options["signature_version"] = UNSIGNED
            self._client: Any = session.create_client("s3", config=Config(**options))
        except (BotoCoreError, ValueError) as error:
            raise SemflowError(
                f"the settings for S3 (AWS_PROFILE, AWS_ENDPOINT_URL, ~/.aws) must be valid, got {error}"
            ) from None

    def examine(self, url: str) -> FilmAddress:
        found = self._call("head_object", url)
        etag: str = found["ETag"]
        is_md5 = len(etag.strip('"')) == PLAIN_ETAG_DIGITS and found.get("ServerSideEncryption") in PLAIN_ENCRYPTION
        is_md5 = is_md5 and "SSECustomerAlgorithm" not in found
        return FilmAddress(url, found["ContentLength"], etag, etag.strip('"') if is_md5 else "")

    def read(self, address: FilmAddress, start: int, end: int) -> bytes:
        answer = self._call("get_object", address.url, Range=f"bytes={start}-{end - 1}", IfMatch=address.mark)
        if answer["ETag"] != address.mark:
            raise _changed(address.url)
        try:
            return answer["Body"].read()
        except Exception as error:  # urllib3's and botocore's own
            raise _lost(address.url, type(error).__name__) from None

    def _call(self, operation: str, url: str, **options: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, _, key = url.partition("://")[2].partition("/")
        try:
            return getattr(self._client, operation)(Bucket=bucket, Key=key, **options)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise _refused(url, status, error.response["Error"]["Code"]) from None
        except BotoCoreError as error:
            raise _lost(url, type(error).__name__) from None


class _OtherServer:
    def examine(self, url: str) -> FilmAddress:
        system, path = self._open(url)
        try:
            system.invalidate_cache()
            facts = system.info(path)
        except (FileNotFoundError, PermissionError) as error:
            raise type(error)(f"{url} cannot be read ({type(error).__name__})") from None
        except Exception as error:  # drivers raise what their libraries raise
            raise _lost(url, type(error).__name__) from None
        keys = ("ETag", "etag", "LastModified", "last_modified", "mtime", "updated", "created")
        mark = next((str(facts[key]) for key in keys if facts.get(key)), "")
        return FilmAddress(url, int(facts.get("size") or 0), mark)

    def read(self, address: FilmAddress, start: int, end: int) -> bytes:
        system, path = self._open(address.url)
        try:
            found = system.cat_file(path, start=start, end=end)
        except FileNotFoundError as error:
            raise type(error)(f"{address.url} is not there any more") from None
        except Exception as error:
            raise _lost(address.url, type(error).__name__) from None
        if self.examine(address.url) != address:
            raise _changed(address.url)
        return found

    def _open(self, url: str) -> tuple[Any, str]:
        import fsspec

        try:
            return fsspec.core.url_to_fs(url)
        except ImportError:
            raise _driver_missing(url.partition("://")[0]) from None
        except ValueError as error:
            raise SemflowError(f"{url} must be an address that fsspec reads, got: {error}") from None


def _driver_missing(protocol: str) -> SemflowError:
    how = "pip install 'semflow[s3]'" if protocol == "s3" else "install the package that fsspec names for it"
    return SemflowError(f"{protocol}:// needs its driver, which is not installed: {how}")


def _refused(url: str, status: int, reason: str) -> Exception:
    if status in MISSING:
        return FileNotFoundError(f"{url} is not there ({status} {reason})")
    if status in FORBIDDEN:
        return PermissionError(f"{url} may not be read ({status} {reason}); check the credentials of this machine")
    return _changed(url) if status == CHANGED else _lost(url, f"{status} {reason}")


def _lost(url: str, reason: str) -> ConnectionError:
    return ConnectionError(f"{url} cannot be reached ({reason})")


def _changed(url: str) -> SemflowError:
    return SemflowError(f"{url} must stay the same while it is read, got another version; run again to take that one")
