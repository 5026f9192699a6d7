"""Recognise files and folders that are not videos by their name: those that cameras, editors and systems add.

Only the name is used; no file is read. Suffixes that some videos have too are treated as videos, and FFmpeg decides:
.ts (also TypeScript), .gif, .webp, .avif, .apng (may move), .mod, .dat, .bin, .iso, .ogg, .insv.
"""

from __future__ import annotations

_REASONS: dict[str, str] = {
    # GoPro writes GX010001.MP4 + .LRV + .THM, DJI .MP4 + .LRF: the proxy is the same video in low resolution.
    "a camera's low-resolution proxy of a video": "lrv lrf",
    "a camera's thumbnail of a video": "thm",
    "a photo": (
        "jpg jpeg jpe jfif png heic heif hif tif tiff bmp psd svg jxl dng cr2 cr3 crw nef nrw arw sr2 srf raf orf rw2 "
        "pef srw x3f 3fr iiq erf mrw gpr insp"
    ),
    "sound without pictures": "wav mp3 m4a aac flac opus wma aif aiff amr mid midi",
    "subtitles": "srt vtt sub idx ass ssa smi sbv ttml dfxp scc lrc sup",
    "text": "txt md rst log nfo rtf tex bib",
    "a document": "pdf doc docx xls xlsx ods odt ppt pptx odp pages numbers key epub",
    "a table": "csv tsv",
    "data, no video": (
        "json jsonl geojson xml yaml yml toml ini cfg conf npy npz h5 hdf5 parquet pkl pickle mat sqlite sqlite3 db "
        "c3d bvh trc gpx fit kml kmz tcx eaf textgrid"
    ),
    "a camera's or a disc's index of its videos": "xmp aae moi mpl cpi bdm ifo bup pek cfa",
    "a playlist or script that names other files": "m3u m3u8 mpd pls xspf ffconcat edl avs vpy prproj fcpxml mlt drp",
    "a web page or a link to one": "html htm mhtml css url webloc lnk desktop",
    "an archive: unpack it": "zip tar gz tgz bz2 xz 7z rar zst",
    "a pointer of DVC to a file that is elsewhere: run `dvc pull`": "dvc",
    "an unfinished download or copy": "part partial crdownload download tmp temp aria2 ytdl filepart !qb !ut",
    "a backup copy": "bak orig swp",
    "a checksum or a torrent": "md5 sha1 sha256 sha512 sfv par2 torrent",
    "a program": "py ipynb sh bat ps1 exe dll msi dmg pkg deb jar apk js r",
}
_BY_ENDING = {ending: reason for reason, endings in _REASONS.items() for ending in endings.split()}
CLOUD_ENDING = ".icloud"
"""Of the hidden file `.film.mp4.icloud` that a Mac leaves in place of a film that is in iCloud alone."""
_FILES = {
    "thumbs.db": "Windows' thumbnails",
    "ehthumbs.db": "Windows' thumbnails",
    "desktop.ini": "Windows' folder settings",
    "icon\r": "a Mac's folder icon",
    "readme": "text",
    "license": "text",
    "makefile": "text",
}
_FOLDERS = {
    "@eadir": "a Synology's thumbnails",
    "#recycle": "a recycle bin",
    "@recycle": "a recycle bin",
    "$recycle.bin": "a recycle bin",
    "system volume information": "Windows' own folder",
    "lost+found": "the file system's own folder",
    "__macosx": "a Mac's file attributes",
    "__pycache__": "Python's own folder",
}


def explain_non_video_file(name: str) -> str | None:
    """Description of a file called `name` (without folders) that is not a video; None where it may be one."""
    low = name.lower()
    dot = low.rfind(".")
    if dot > 0 and (reason := _BY_ENDING.get(low[dot + 1 :])) is not None:
        return _FILES.get(low, reason)
    return "a backup copy" if low.endswith("~") else _FILES.get(low)


def explain_hidden_file(name: str) -> str | None:
    """Description of a hidden file that stands for a video of the user; None for all others, which nobody misses."""
    low = name.lower()
    if low.endswith(CLOUD_ENDING) and explain_non_video_file(name[1 : -len(CLOUD_ENDING)]) is None:
        return "a placeholder of iCloud: download the video, in the Finder or by `brctl download`"
    return None


def explain_non_video_folder(folder: str) -> str | None:
    """Description of a folder of this name (without parents) that holds no videos of the user; None for others."""
    return _FOLDERS.get(folder.lower())
