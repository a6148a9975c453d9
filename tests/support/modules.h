#pragma once

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/nn/module.h>

#include "sscvae/nn/arrays.h"
#include "sscvae/serialization/state_dict.h"
#include "support/tolerances.h"

/// Modules against the recorded blocks of the reference: parameters in, output, gradients and buffers compared.
namespace sscvae::testing {

/// Copies "<prefix><name>" of `state` into every parameter and buffer of the module; fails the test if one is missing.
inline void load_parameters(torch::nn::Module& module, const serialization::StateDict& state,
                            const std::string& prefix) {
  const at::NoGradGuard no_grad;
  const auto copy = [&](const auto& items) {
    for (const auto& item : items) item.value().copy_(as_tensor(state.at(prefix + item.key())));
  };
  copy(module.named_parameters());
  copy(module.named_buffers());
}

/// Runs module(input), compares `output`, then the gradients of sum(output * grad_output) towards the input and every
/// parameter.
template <class Module>
void expect_block_parity(Module& module, const serialization::StateDict& file, double tolerance,
                         double gradient_tolerance) {
  load_parameters(module, file, "param/");
  const at::Tensor input = as_tensor(file.at("input")).clone().requires_grad_();
  const at::Tensor output = module.forward(input);
  EXPECT_TRUE(is_close(output, file.at("output"), tolerance)) << "output";
  if (file.find("grad_input")) {
    std::vector<at::Tensor> targets{input};
    std::vector<std::string> names{"grad_input"};
    for (const auto& item : module.named_parameters()) {
      targets.push_back(item.value());
      names.push_back("grad/" + item.key());
    }
    const auto gradients = torch::autograd::grad({output}, targets, {file.at("grad_output")}, false, false, true);
    for (size_t i = 0; i < names.size(); ++i) {
      ASSERT_NE(file.find(names[i]), nullptr) << names[i];
      const at::Tensor expected = file.at(names[i]);
      if (expected.abs().max().template item<double>() < 1e-12) {
        EXPECT_LT(gradients[i].abs().max().template item<double>(), 1e-12) << names[i];  // a bias in front of BatchNorm
      } else {
        EXPECT_TRUE(is_close(gradients[i], expected, gradient_tolerance)) << names[i];
      }
    }
  }
  for (const auto& item : module.named_buffers()) {
    const Array* expected = file.find("buffer_after/" + item.key());
    if (expected) {
      EXPECT_TRUE(is_close(item.value(), *expected, tolerance)) << item.key();
    }
  }
}

}  // namespace sscvae::testing
