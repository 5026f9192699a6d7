"""`toyflow.pipeline:STAGES`: from text files to a folder of pages, with every cause by which an item becomes stale."""

from __future__ import annotations

from toyflow import machine
from toyflow.collect import collect
from toyflow.count.stage import count
from toyflow.look.stage import look
from toyflow.read import read
from toyflow.tell import tell

from tasks import fingerprint

# The catalogue is to these stages what tasks.weights is to the real ones: it enters a recipe by its hashes alone.
fingerprint.ENGINE_MODULES = (*fingerprint.ENGINE_MODULES, "toyflow.catalogue")
machine.install()
STAGES = (read, count, collect, look, tell)
