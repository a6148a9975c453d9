#include "sscvae/experiments/train_options.h"

namespace sscvae::experiments {

void TrainOptions::describe(FieldList& fields) {
  fields.add("steps", steps, "optimizer steps; 0: epochs decides", at_least(0));
  fields.add("epochs", epochs, "passes over the training images or patches, where steps is 0", at_least(0));
  fields.add("batch_size", batch_size, "images or patches in one forward pass", between(1, 65536));
  fields.add("accumulate", accumulate, "batches whose gradients are averaged into one optimizer step",
             between(1, 65536));
  fields.add(
      "optimizer", optimizer,
      "adam, or muon: orthogonal steps for the filters of convolutions, Adam for all else; a step takes longer and "
      "gains more");
  fields.add("learning_rate", learning_rate, "Adam's step size at the top of the schedule", at_least(0));
  fields.add("schedule", schedule, "what the learning rate does after warm-up");
  fields.add("warmup", warmup, "share of all steps in which the learning rate rises linearly from 0", between(0, 1));
  fields.add("final_learning_rate", final_learning_rate, "end of a cosine schedule, as a share of learning_rate",
             between(0, 1));
  fields.add("beta1", beta1, "decay of Adam's first moment", between(0, 0.999999));
  fields.add("beta2", beta2, "decay of Adam's second moment", between(0, 0.9999999));
  fields.add("epsilon", epsilon, "added to the root of Adam's second moment", at_least(0));
  fields.add("muon_ratio", muon_ratio, "learning rate of Muon's orthogonal steps, as a multiple of learning_rate",
             at_least(0));
  fields.add("muon_dictionary_ratio", muon_dictionary_ratio,
             "the same for the dictionaries of csc, which then step orthogonally, too; 0: they go by Adam",
             at_least(0));
  fields.add("muon_momentum", muon_momentum, "decay of Muon's running average of gradients", between(0, 0.999999));
  fields.add(
      "muon_weight_decay", muon_weight_decay,
      "decoupled weight decay of what Muon steps orthogonally: each step is as long as the others, so that without "
      "it weights grow for as long as the learning rate is high",
      at_least(0));
  fields.add("weight_decay", weight_decay,
             "decoupled weight decay (AdamW): weights shrink by learning rate x this per step", at_least(0));
  fields.add("gradient_clip", gradient_clip, "largest Euclidean norm of all gradients together; 0: no clipping",
             at_least(0));
  fields.add("ema_decay", ema_decay,
             "decay per step of the running average of the weights, which is then what is validated and saved; 0: none",
             between(0, 0.9999999));
  fields.add("recompute", recompute,
             "compute the networks' levels once more in the backward pass instead of keeping them: the same steps in "
             "less memory, a quarter slower");
  fields.add("memory_gib", memory_gib,
             "memory that the process should stay below: recompute is switched on where a step would take more, "
             "estimated from a pass over one image; 0: no limit",
             at_least(0));
  fields.add("threshold_jitter", threshold_jitter,
             "thresholds are multiplied by a factor between 1/this and this, drawn for each batch, so that one model "
             "serves a range of --strength; 1: never",
             between(1, 100));
  fields.add("noise_levels", noise_levels,
             "what a denoiser that goes by the noise level takes for it in training: estimated from each crop, or told "
             "with the errors that an estimate from a whole image would have");
  fields.add("cuda_graph", cuda_graph,
             "on a GPU, record the passes of a step once and start them as one, where the first steps show that both "
             "ways agree: quicker with small batches; not yet tried on a GPU");
  fields.add("precision", precision,
             "arithmetic of the networks: fp32, bf16 (losses and sparse coding stay fp32), or bf16 where the processor "
             "is fast at it");
  fields.add("seed", seed, "root of all randomness in training: initial weights, crops, noise", at_least(0));
  fields.add(
      "initial_weights", initial_weights,
      "start from these weights of the same model (a file, or weights that come with the program) instead of fresh "
      "ones: fine-tuning");
  fields.add("log_every", log_every, "steps between the rows of log.csv", at_least(1));
  fields.add("validate_every", validate_every,
             "steps between validations; 0: after whole epochs, 100 to 500 steps apart", at_least(0));
  fields.add("checkpoint_every", checkpoint_every, "steps between checkpoints; 0: with each validation", at_least(0));
  fields.add("checkpoint_minutes", checkpoint_minutes, "a checkpoint also after so many minutes; 0: never",
             at_least(0));
  fields.add("max_minutes", max_minutes, "stop cleanly, with a checkpoint, after so many minutes of one call; 0: never",
             at_least(0));
  fields.add("preview_images", preview_images, "images drawn in previews/ and in the report", between(0, 64));
  fields.add("validation_images", validation_images,
             "images of the part 'val' used for validation, evenly spread, each by its centre of 256x256 or, with "
             "data.sampling = grid, by all windows of that grid; 0: no validation, -1: the whole part",
             at_least(-1));
  fields.add("best_by", best_by,
             "what best.safetensors is chosen by: the highest mean PSNR or the lowest mean loss in validation (section "
             "4.2 of the paper); the loss leaves out perceptual and adversarial terms");
  fields.add("validation_mode", validation_mode,
             "eval: fixed statistics; train: as the authors' release validates, batch statistics that absorb the "
             "validation data");
  fields.add("divergence_factor", divergence_factor,
             "stop when the loss exceeds so many times its mean of some 50 steps; 0: only when it is not finite",
             at_least(0));
  fields.add_section("loss", loss);
  fields.add_section("adversarial", adversarial);
}

}  // namespace sscvae::experiments
