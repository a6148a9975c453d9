#include "sscvae/workshop/trace.h"

#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "sscvae/array/shape.h"
#include "sscvae/core/error.h"
#include "sscvae/core/printable.h"
#include "sscvae/core/text.h"
#include "sscvae/image/image.h"
#include "sscvae/models/losses.h"
#include "sscvae/models/weights.h"
#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/safetensors.h"
#include "sscvae/tasks/interrupt.h"

namespace sscvae::workshop {

namespace {

struct TraceInput {
  at::Tensor input, target;
};

at::Tensor image_tensor(const serialization::StateDict& tensors, const std::string& name, const std::string& source) {
  at::Tensor tensor = tensors.at(name, source);
  if (tensor.scalar_type() == at::kByte) return tensor.to(at::kDouble) / 255;
  if (!tensor.is_floating_point())
    throw FormatError("'" + source + "': " + name + ": expected floating-point or uint8 values");
  return tensor;
}

TraceInput read_input(const TraceOptions& options, int64_t channels) {
  TraceInput input;
  if (!has_extension(options.input, ".safetensors")) {
    const image::Image picture = tasks::InputReader(options.reading).read(options.input);
    input.input = image::to_array(image::with_channels(picture, channels)).unsqueeze(0);
  } else {
    const serialization::TensorFile file = serialization::read_safetensors(options.input);
    const bool bytes = !file.tensors.find("input") && file.tensors.find("input_uint8");
    input.input = image_tensor(file.tensors, bytes ? "input_uint8" : "input", options.input);
    if (file.tensors.find("target")) input.target = image_tensor(file.tensors, "target", options.input);
  }
  check_shape(input.input, "input", "N,C,H,W", {-1, channels, -1, -1});
  if (input.target.defined() && input.target.sizes() != input.input.sizes())
    throw ShapeError("target: expected the shape of input, " + shape_text(input.input) + ", got " +
                     shape_text(input.target));
  if (input.input.numel() == 0) throw ShapeError("input: expected at least one pixel, got " + shape_text(input.input));
  return input;
}

at::ScalarType dtype_of(const std::string& name) {
  if (name == "float32") return at::kFloat;
  if (name == "float64") return at::kDouble;
  throw UsageError("--dtype: expected float32 or float64, got '" + name + "'" +
                   suggestion(name, {"float32", "float64"}));
}

void add_if_defined(serialization::StateDict& tensors, const std::string& name, const at::Tensor& tensor) {
  if (tensor.defined()) tensors.add(name, tensor.detach().clone());
}

void add_gradients(serialization::StateDict& tensors, models::Autoencoder& model, const at::Tensor& input) {
  const std::vector<at::Tensor> parameters = model.parameters();
  for (const auto& [key, value] : models::named_tensors(model))
    for (const at::Tensor& parameter : parameters)
      if (parameter.data_ptr() == value.data_ptr() && parameter.sizes() == value.sizes()) {
        add_if_defined(tensors, "grad." + key, parameter.grad());
        break;
      }
  add_if_defined(tensors, "grad.input", input.grad());
}

void add_buffers(serialization::StateDict& tensors, models::Autoencoder& model) {
  const std::vector<at::Tensor> buffers = model.buffers();
  for (const auto& [key, value] : models::named_tensors(model))
    for (const at::Tensor& buffer : buffers)
      if (buffer.data_ptr() == value.data_ptr()) {
        add_if_defined(tensors, "buffer." + key, value);
        break;
      }
}

}  // namespace

serialization::StateDict trace_tensors(runtime::OpenedModel& opened, const at::Tensor& input, const at::Tensor& target,
                                       const TraceOptions& options) {
  const at::ScalarType dtype = dtype_of(options.dtype);
  if (options.mode != "eval" && options.mode != "train")
    throw UsageError("--mode: expected eval or train, got '" + options.mode + "'");
  const std::shared_ptr<models::Autoencoder> trained = models::trainable(*opened.model);
  models::Autoencoder& model = *trained;
  model.to(dtype);
  model.train(options.mode == "train");
  const at::Tensor image = input.to(dtype).clone().set_requires_grad(options.gradients);
  const models::LossOptions& loss_options = opened.experiment.options.train.loss;

  const models::ForwardResult result = models::forward_any_size(model, image);
  // Without a target the loss compares with the input itself, and its gradient has that path, too.
  const at::Tensor wanted = target.defined() ? target.to(dtype) : image;
  const models::Losses losses = compute_losses(result, wanted, loss_options, loss_options.sparsity_weight);
  if (options.gradients) losses.total.backward();

  serialization::StateDict tensors;
  add_if_defined(tensors, "features", result.features);
  add_if_defined(tensors, "threshold_inference", result.threshold_inference);
  add_if_defined(tensors, "threshold_refinement", result.threshold_refinement);
  add_if_defined(tensors, "threshold", result.threshold);
  add_if_defined(tensors, "mean", result.mean);
  add_if_defined(tensors, "log_variance", result.log_variance);
  add_if_defined(tensors, "code", result.code);
  add_if_defined(tensors, "indices", result.indices);
  add_if_defined(tensors, "coded_features", result.coded_features);
  add_if_defined(tensors, "logits", result.logits);
  add_if_defined(tensors, "reconstruction", result.reconstruction);
  add_if_defined(tensors, "loss.reconstruction", losses.reconstruction);
  add_if_defined(tensors, "loss.latent", losses.latent);
  add_if_defined(tensors, "loss.sparsity", losses.sparsity);
  add_if_defined(tensors, "loss.total", losses.total);
  if (options.gradients) add_gradients(tensors, model, image);
  if (options.mode == "train") add_buffers(tensors, model);
  return tensors;
}

tasks::Report trace(const TraceOptions& options) {
  check_writable(options.out, options.overwrite);
  runtime::OpenedModel opened = runtime::open_model(options.source);
  const TraceInput input = read_input(options, opened.experiment.options.model.in_channels);
  const serialization::StateDict tensors = [&] {
    const tasks::EndsAtOnce no_part_is_wanted;
    return trace_tensors(opened, input.input, input.target, options);
  }();
  serialization::write_safetensors(options.out, tensors,
                                   {{"sscvae.mode", options.mode}, {"sscvae.weights_sha256", opened.sha256}});
  tasks::Json json{
      {"out", options.out}, {"mode", options.mode}, {"dtype", options.dtype}, {"weights_sha256", opened.sha256}};
  std::vector<std::vector<std::string>> rows{{"tensor", "shape", "minimum", "maximum"}};
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor values = tensor.to(kFloat64);
    const double low = values.numel() ? values.min().item<double>() : 0,
                 high = values.numel() ? values.max().item<double>() : 0;
    json["tensors"][name] = {
        {"shape", tensor.sizes().vec()}, {"min", tasks::json_number(low)}, {"max", tasks::json_number(high)}};
    rows.push_back({name, shape_text(tensor), format("%.6g", low), format("%.6g", high)});
  }
  return tasks::make_report(tasks::text_table(rows), std::move(json));
}

}  // namespace sscvae::workshop
