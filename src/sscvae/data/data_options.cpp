#include "sscvae/data/data_options.h"

#include "sscvae/data/registry.h"

namespace sscvae::data {

void NoiseOptions::describe(FieldList& fields) {
  fields.add(
      "kind", kind,
      "of the denoising task's noise: gaussian, speckle (of log-compressed ultrasound), or mixed: one or the other "
      "in each training sample");
  fields.add("sigma_8bit", sigma_8bit,
             "standard deviation of the noise of the denoising task, in 8-bit grey levels (0 to 255)",
             between(0, 1000));
  fields.add("sigma_8bit_max", sigma_8bit_max,
             "if not 0: the level of each training sample is drawn uniformly from sigma_8bit to this, in 8-bit grey "
             "levels (blind denoising)",
             between(0, 1000));
  fields.add("clip", clip, "cut noisy images to [0,1], as the authors do; the literature does not");
  fields.add("clip_share", clip_share,
             "with clip: share of the training samples that are cut, drawn for each; below 1 a denoiser learns both "
             "images as files hold them and images as computed",
             between(0, 1));
}

void DataOptions::describe(FieldList& fields) {
  fields.add_name("dataset", dataset, "how the images below `root` are laid out", dataset_names());
  fields.add("root", root, "folder of the images");
  fields.add("quality", quality, "of the ultrasound layout <organ>/<quality>/*.png: which quality folder");
  fields.add("input_quality", input_quality, "of the ultrasound layout: quality folder of the images to enhance");
  fields.add("input_root", input_root,
             "folder of the images to enhance (task enhance), which have the paths of those below `root`; default: the "
             "input_quality of the ultrasound layout");
  fields.add(
      "split", split,
      "official: the dataset's own parts (authors' rule where it has none); authors: shuffled by `seed` and cut by "
      "the ratios; grouped: the same with whole groups; manifest: as the file `manifest` says; all: every image is in "
      "every part");
  fields.add("manifest", manifest,
             "CSV file with columns path,part,group, for split = \"manifest\"; or a split that comes with the program "
             "(splits/bsds500.csv)");
  fields.add("group_pattern", group_pattern,
             "regular expression whose first capture in an image's path is its group (a patient); no group may then "
             "straddle the parts; default: organ, class or folder, which may unless split is grouped");
  fields.add("group_table", group_table, "CSV file with columns path,group that says the same");
  fields.add("seed", seed, "of the shuffled split (Python's random.Random(seed).shuffle)", at_least(0));
  fields.add("train_ratio", train_ratio, "share of training images of the shuffled split", between(0, 1));
  fields.add("val_ratio", val_ratio, "share of validation images of the shuffled split; the rest is test",
             between(0, 1));
  fields.add(
      "sampling", sampling,
      "random-crops: crops anywhere; grid: patches at multiples of `stride`; whole-images: uncut, all of one size "
      "unless the batch size is 1");
  fields.add("patch_size", patch_size, "side of the square crops and patches, pixels", at_least(1));
  fields.add("stride", stride, "distance of grid patches, pixels", at_least(1));
  fields.add("augment", augment,
             "apply one of the 8 flips and quarter turns to each training sample (4 to whole oblong images)");
  fields.add("crops_per_image", crops_per_image, "random crops of each image in one epoch", at_least(1));
  fields.add("min_size", min_size, "leave out images whose shorter side has fewer pixels; 0: none", at_least(0));
  fields.add("limit", limit, "use only the first so many images of each part, in the order of the split; 0: all",
             at_least(0));
  fields.add("workers", workers, "threads that prepare batches ahead; 0: none; results do not depend on it",
             between(0, 256));
  fields.add("cache_mb", cache_mb, "memory for decoded images, MiB; images beyond it are decoded at each use",
             between(0, 1 << 24));
  fields.add(
      "batches_on", batches_on,
      "where batches are cut and made noisy: on the cpu, by `workers`; on the device that trains, where all images "
      "then lie as integers; auto: on a GPU where they fit, else on the cpu. The same crops, and noise that is the "
      "same "
      "up to rounding");
  fields.add("device_cache_mb", device_cache_mb,
             "memory of the device for the training images of batches_on = \"device\" or \"auto\", MiB (1 or 2 bytes "
             "for each sample of a pixel)",
             between(0, 1 << 24));
  fields.add("range", range,
             "which stored samples are black and white: full, LOW:HIGH, or auto: 16-bit files whose samples are all "
             "within 8, 10, 12 or 14 bits (or those that the file states) are taken as such");
  fields.add("max_pixels", max_pixels,
             "images of more pixels are broken; a decoded one takes 1 or 2 bytes for each sample of a pixel",
             at_least(1));
  fields.add("on_broken", on_broken, "skip: leave out images that cannot be decoded, with a warning; refuse: stop");
  fields.add_section("noise", noise);
}

}  // namespace sscvae::data
