"""Films at addresses: decoded to the same bytes as files, each byte fetched about once, faults of the network told from
faults of the film."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from tasks.artifacts.raw_video import RawVideo
from tasks.decode import film_source, remote_film
from tasks.decode.film_address import SUFFIX, FilmAddress, name_film, read_film_address
from tasks.decode.film_source import find_source
from tasks.decode.inspect_video import inspect_video
from tasks.decode.params import DecodeParams
from tasks.decode.remote_film import RemoteStream, md5_remote_film, open_remote_film
from tasks.decode.stage import decode
from tasks.errors import BadInput, SemflowError
from tests.decode.conftest import Decode, Odd
from tests.factories.range_server import RangeServer, serve_ranges
from tests.factories.s3_server import serve_bucket

MAX_FETCHED = 1.2  # bytes fetched by bytes of the film


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_film, "RETRY_DELAYS_S", (0.0, 0.0))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Generator[RangeServer]:
    with serve_ranges() as held:
        yield held


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_film, "BLOCK", 1000)
    monkeypatch.setattr(remote_film, "HASHED", 3000)


def write_address(folder: Path, film: FilmAddress) -> Path:
    file = folder / f"film{SUFFIX}"
    file.write_text(film.render())
    return file


def put(server: RangeServer, file: Path, folder: Path) -> Path:
    server.films[f"/day/{file.name}"] = file.read_bytes()
    url = f"{server.url}/day/{file.name}"
    address = write_address(folder, find_source(url).examine(url))
    server.sent = 0
    return address


@pytest.mark.parametrize(
    "name",
    [
        "plain.mp4",
        "hole.mp4",
        "open_gop_cut.mov",
        "fragmented.mp4",
        "growing_call.mkv",
        "joined.ts",
        "mjpeg.avi",
        "raw.h264",
        "vp9.webm",
        "text.mp4",
        "empty.mp4",
    ],
)
def test_a_film_at_an_address_gives_the_bytes_of_the_file_and_is_fetched_once(
    name: str, odd: Odd, decoded: Decode, server: RangeServer, tmp_path: Path, small_blocks: None
) -> None:
    address = put(server, odd(name), tmp_path)
    try:
        decoded(odd(name), "here")
    except BadInput as error:
        with pytest.raises(BadInput) as there:
            decoded(address, "there")
        assert str(there.value) == str(error)
    else:
        decoded(address, "there")
        assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert server.sent <= MAX_FETCHED * len(odd(name).read_bytes())
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"] == [address.name], "no copy is left"


def test_a_check_says_what_it_says_of_the_file(odd: Odd, server: RangeServer, tmp_path: Path) -> None:
    address = put(server, odd("hole.ts"), tmp_path)
    assert inspect_video(address, 640) == inspect_video(odd("hole.ts"), 640)
    assert name_film(address) == "hole.ts"
    assert server.sent <= MAX_FETCHED * len(odd("hole.ts").read_bytes())


def test_an_answer_that_is_cut_off_is_asked_for_again(
    odd: Odd, decoded: Decode, server: RangeServer, tmp_path: Path, small_blocks: None
) -> None:
    address = put(server, odd("plain.mp4"), tmp_path)
    decoded(odd("plain.mp4"), "here")
    server.broken_requests = 2
    decoded(address, "there")
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mkv", "plain.ts", "mjpeg.avi"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_connection_that_stays_broken_is_no_fault_of_the_film(
    name: str, share: float, odd: Odd, decoded: Decode, server: RangeServer, tmp_path: Path, small_blocks: None
) -> None:
    address = put(server, odd(name), tmp_path)
    server.broken_from = int(share * len(odd(name).read_bytes()))
    with pytest.raises(ConnectionError, match=f"{name} cannot be reached"):
        decoded(address, "there")


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mkv"])
def test_a_film_that_is_replaced_while_it_is_read_is_noticed(
    name: str, odd: Odd, server: RangeServer, tmp_path: Path, small_blocks: None
) -> None:
    address = put(server, odd(name), tmp_path)
    values = {"max_side": None, "fps": None, "encoding": "png", "quality": 95}
    filters: dict[str, Any] = {"deinterlace": "auto", "tone_map": "auto", "anonymise": "none"}
    reading = decode(RawVideo(address), DecodeParams(**(values | filters)))
    server.films[f"/day/{name}"] = server.films[f"/day/{name}"][:-1] + b"x"
    with pytest.raises(SemflowError, match="another version; run again") as refusal:
        reading.to(tmp_path / "there.parquet")
    assert not isinstance(refusal.value, BadInput)


def test_the_md5_is_that_of_the_bytes_and_takes_each_of_them_once(
    odd: Odd, server: RangeServer, tmp_path: Path, small_blocks: None
) -> None:
    address = put(server, odd("joined.ts"), tmp_path)
    data = odd("joined.ts").read_bytes()
    assert md5_remote_film(read_film_address(address)) == hashlib.md5(data).hexdigest()
    assert server.sent == len(data)


def test_blocks_that_are_read_again_and_again_go_to_a_file(
    server: RangeServer, tmp_path: Path, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_film, "KEPT_BLOCKS", 4)
    data = b"0000ftyp" + bytes(n % 251 for n in range(40_000))
    (tmp_path / "a.mp4").write_bytes(data)
    with open_remote_film(put(server, tmp_path / "a.mp4", tmp_path)) as film:
        assert film is not None
        for _ in range(5):
            stream = RemoteStream(film)
            assert b"".join(iter(lambda: stream.read(700), b"")) == data  # noqa: B023
    assert len(data) < server.sent < 2.3 * len(data)


def test_a_server_without_ranges_or_without_the_film_says_so(server: RangeServer) -> None:
    server.films["/a.mp4"] = b"x" * 100
    with pytest.raises(FileNotFoundError, match=r"b\.mp4 is not there \(404"):
        find_source(server.url).examine(f"{server.url}/b.mp4")
    server.gives_ranges = False
    with pytest.raises(SemflowError, match="must be on a server that gives ranges"):
        find_source(server.url).examine(f"{server.url}/a.mp4")


def test_a_server_that_is_away_cannot_be_reached() -> None:
    with pytest.raises(ConnectionError, match=r"http://127\.0\.0\.1:1/a\.mp4 cannot be reached"):
        find_source("http://127.0.0.1:1/a.mp4").examine("http://127.0.0.1:1/a.mp4")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    with serve_bucket(monkeypatch) as (host, port):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        film_source.close_sources()
        service: Any = boto3.resource("s3", endpoint_url=f"http://{host}:{port}")
        yield service.Bucket("team")
        film_source.close_sources()


def test_a_bucket_states_the_md5_of_an_upload_in_one_part_alone(bucket: Any) -> None:
    data = b"x" * 5_300_000
    bucket.put_object(Key="films/one part.mp4", Body=data)
    upload = bucket.Object("films/parts.mp4").initiate_multipart_upload()
    parts = [upload.Part(n).upload(Body=piece)["ETag"] for n, piece in ((1, data[:5_242_880]), (2, data[5_242_880:]))]
    upload.complete(MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": n} for n, tag in enumerate(parts, 1)]})
    one, several = (find_source("s3://").examine(f"s3://team/films/{name}.mp4") for name in ("one part", "parts"))
    assert (one.md5, one.size) == (hashlib.md5(data).hexdigest(), len(data))
    assert several.md5 == ""
    assert md5_remote_film(several) == one.md5
    with pytest.raises(FileNotFoundError, match="s3://team/none is not there"):
        find_source("s3://").examine("s3://team/none")


def test_a_film_in_a_bucket_is_decoded_and_noticed_when_it_is_replaced(
    odd: Odd, decoded: Decode, bucket: Any, tmp_path: Path, small_blocks: None
) -> None:
    bucket.put_object(Key="plain.mp4", Body=odd("plain.mp4").read_bytes())
    address = write_address(tmp_path, find_source("s3://").examine("s3://team/plain.mp4"))
    decoded(odd("plain.mp4"), "here")
    decoded(address, "there")
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    bucket.put_object(Key="plain.mp4", Body=b"another")
    with pytest.raises(SemflowError, match="another version"):
        decoded(address, "later")


def test_other_servers_are_read_by_fsspec(odd: Odd, decoded: Decode, tmp_path: Path, small_blocks: None) -> None:
    import fsspec

    memory: Any = fsspec.filesystem("memory")
    memory.pipe_file("/films/plain.mkv", odd("plain.mkv").read_bytes())
    address = write_address(tmp_path, find_source("memory://").examine("memory://films/plain.mkv"))
    decoded(odd("plain.mkv"), "here")
    decoded(address, "there")
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    memory.pipe_file("/films/plain.mkv", b"x" * 20_000)
    with pytest.raises(SemflowError, match="another version"):
        decoded(address, "later")
    memory.rm("/films/plain.mkv")
    with pytest.raises(FileNotFoundError, match="cannot be read"):
        find_source("memory://").examine("memory://films/plain.mkv")
    with pytest.raises(SemflowError, match="must be an address that fsspec reads"):
        find_source("nowhere://").examine("nowhere://films/plain.mkv")
