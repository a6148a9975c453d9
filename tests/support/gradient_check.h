#pragma once

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/types.h>

#include <functional>
#include <vector>

/// Analytic gradients against central differences, in double.
namespace sscvae::testing {

/// Compares d f / d inputs (f: scalar-valued) element by element with (f(x+h) - f(x-h)) / 2h.
/// `inputs` are leaves of type double that require gradients; at most `max_elements` of each are tried, spread evenly.
/// An element passes if |analytic - numeric| <= tolerance max(1, |numeric|).
inline ::testing::AssertionResult gradients_match(const std::function<at::Tensor()>& f,
                                                  const std::vector<at::Tensor>& inputs, double tolerance = 1e-6,
                                                  int64_t max_elements = 40, double h = 1e-6) {
  const auto gradients = torch::autograd::grad({f()}, inputs, {}, false, false, true);
  const at::NoGradGuard no_grad;
  for (size_t k = 0; k < inputs.size(); ++k) {
    at::Tensor input = inputs[k];
    if (!gradients[k].defined()) return ::testing::AssertionFailure() << "input " << k << " receives no gradient";
    const at::Tensor analytic = gradients[k].contiguous().flatten();
    // element-wise through select, so that strided leaves are reached too
    const int64_t count = input.numel(), step = std::max<int64_t>(1, count / max_elements);
    for (int64_t flat = 0; flat < count; flat += step) {
      at::Tensor element = input;
      int64_t rest = flat;
      for (int64_t axis = input.dim() - 1; axis >= 0; --axis) {
        element = element.select(axis, rest % input.size(axis));
        rest /= input.size(axis);
      }
      const double original = element.item<double>();
      const auto value_at = [&](double x) {
        element.fill_(x);
        return f().item<double>();
      };
      const double numeric = (value_at(original + h) - value_at(original - h)) / (2 * h);
      element.fill_(original);
      const double difference = std::abs(numeric - analytic[flat].item<double>());
      if (!(difference <= tolerance * std::max(1.0, std::abs(numeric))))
        return ::testing::AssertionFailure() << "input " << k << ", element " << flat << ": analytic "
                                             << analytic[flat].item<double>() << ", numeric " << numeric;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace sscvae::testing
