# Decides whether the GPU kernels of this project (*.cu) become part of its libraries: SSCVAE_HAS_CUDA_KERNELS.
#
# SSCVAE_CUDA_KERNELS says AUTO (where LibTorch is a CUDA build and there is an nvcc), ON (or else stop) or OFF.
# Without them a GPU runs LibTorch's operations only. ON beside a CPU LibTorch compiles and links, for a check of that
# on machines without a GPU. SSCVAE_REQUIRE_CUDA (preset gpu) takes AUTO for ON.
include_guard()
set(SSCVAE_CUDA_KERNELS AUTO CACHE STRING "compile the GPU kernels: AUTO, ON or OFF")
set_property(CACHE SSCVAE_CUDA_KERNELS PROPERTY STRINGS AUTO ON OFF)
sscvae_require_boolean(SSCVAE_CUDA_KERNELS AUTO)

set(SSCVAE_HAS_CUDA_KERNELS OFF)
set(_required OFF)
if(SSCVAE_CUDA_KERNELS STREQUAL "AUTO")
  set(_required ${SSCVAE_REQUIRE_CUDA})
  set(_wanted OFF)
  if(TORCH_HAS_CUDA AND NOT SSCVAE_SANITIZER)
    set(_wanted ON)
  endif()
else()
  set(_required ${SSCVAE_CUDA_KERNELS})
  set(_wanted ${SSCVAE_CUDA_KERNELS})
endif()
if(_wanted)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(SSCVAE_HAS_CUDA_KERNELS ON)
  elseif(_required)
    message(FATAL_ERROR "there is no nvcc: give -DCMAKE_CUDA_COMPILER=<path>, or -DSSCVAE_CUDA_KERNELS=OFF for a "
                        "program that runs on the GPU by LibTorch's operations alone")
  endif()
endif()
if(SSCVAE_HAS_CUDA_KERNELS)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 75)  # and, compiled by the driver at the first use, everything newer
  endif()
  set(CMAKE_CUDA_STANDARD 17)  # all that kernels need; older releases of CMake know no more
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
endif()
message(STATUS "GPU kernels: ${SSCVAE_HAS_CUDA_KERNELS}")
