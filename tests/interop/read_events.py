"""Prints what TensorBoard's own reader finds in a folder: {"scalars": {tag: [[step, value], ...]}, "images": ...}."""

import json
import sys

from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.util import tensor_util

events = plugin_event_accumulator.EventAccumulator(sys.argv[1], size_guidance={"tensors": 0})
events.Reload()
scalars, images = {}, {}
for tag in events.PluginTagToContent(scalar_metadata.PLUGIN_NAME) if events.Tags()["tensors"] else []:
    scalars[tag] = [[e.step, float(tensor_util.make_ndarray(e.tensor_proto))] for e in events.Tensors(tag)]
for tag in events.Tags()["tensors"]:
    if events.SummaryMetadata(tag).plugin_data.plugin_name == image_metadata.PLUGIN_NAME:
        images[tag] = [[e.step, [bytes(s).hex() for s in e.tensor_proto.string_val]] for e in events.Tensors(tag)]
print(json.dumps({"scalars": scalars, "images": images}))
