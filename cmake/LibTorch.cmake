# Defines LibTorch::LibTorch from a PyTorch wheel or an unpacked LibTorch archive.
#
# TORCH_ROOT wins; then a LibTorch under CMAKE_PREFIX_PATH; then the torch package of the project's virtual environment
# (.venv) or of the first python3. The package is located, not imported. TorchConfig.cmake is not used because the one
# in CUDA wheels demands a full CUDA toolkit even to build for the CPU.
include_guard()

if(NOT TORCH_ROOT)
  string(REPLACE ":" ";" _environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
  foreach(prefix ${CMAKE_PREFIX_PATH} ${_environment_prefixes})
    # both <root> and <root>/share/cmake (what torch.utils.cmake_prefix_path prints) are accepted
    foreach(candidate "${prefix}" "${prefix}/../..")
      if(EXISTS "${candidate}/include/torch/csrc/api/include/torch/types.h")
        get_filename_component(TORCH_ROOT "${candidate}" ABSOLUTE)
        break()
      endif()
    endforeach()
  endforeach()
endif()
# The first Python that has the torch package: the tests that ask Python for its opinion use it too.
find_program(SSCVAE_SYSTEM_PYTHON python3)
mark_as_advanced(SSCVAE_SYSTEM_PYTHON)
set(SSCVAE_PYTHON "")
foreach(_python "${PROJECT_SOURCE_DIR}/.venv/bin/python" "${SSCVAE_SYSTEM_PYTHON}")
  if(NOT SSCVAE_PYTHON AND EXISTS "${_python}")
    execute_process(
      COMMAND "${_python}" -c
              "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
      OUTPUT_VARIABLE _torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(_torch)
      set(SSCVAE_PYTHON "${_python}")
      if(NOT TORCH_ROOT)
        set(TORCH_ROOT "${_torch}")
      endif()
    endif()
  endif()
endforeach()
if(NOT TORCH_ROOT AND EXISTS "${SSCVAE_BUILT_WITH_TORCH}/include/torch/headeronly/version.h")
  set(TORCH_ROOT "${SSCVAE_BUILT_WITH_TORCH}")  # set by the installed package only
endif()
if(NOT EXISTS "${TORCH_ROOT}/include/torch/headeronly/version.h")
  message(FATAL_ERROR "LibTorch not found: run 'make setup', or pass -DTORCH_ROOT=<torch package or LibTorch folder>, "
                      "or put it on CMAKE_PREFIX_PATH")
endif()
set(TORCH_ROOT "${TORCH_ROOT}" CACHE PATH "torch package or LibTorch folder" FORCE)

file(READ "${TORCH_ROOT}/include/torch/headeronly/version.h" _version_header)
string(REGEX MATCH "TORCH_VERSION_MAJOR ([0-9]+)" _ "${_version_header}")
set(TORCH_VERSION ${CMAKE_MATCH_1})
string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${_version_header}")
set(TORCH_VERSION ${TORCH_VERSION}.${CMAKE_MATCH_1})
if(TORCH_VERSION VERSION_LESS 2.11 OR TORCH_VERSION VERSION_GREATER_EQUAL 2.14)
  message(WARNING "LibTorch ${TORCH_VERSION} is outside the tested range 2.11 to 2.13")
endif()

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)
add_library(LibTorch::LibTorch INTERFACE IMPORTED GLOBAL)
target_include_directories(LibTorch::LibTorch SYSTEM
                           INTERFACE "${TORCH_ROOT}/include" "${TORCH_ROOT}/include/torch/csrc/api/include")
target_link_directories(LibTorch::LibTorch INTERFACE "${TORCH_ROOT}/lib")
# Without -fopenmp at::parallel_for in our code silently runs on one thread. The runtime is the one LibTorch brings:
# the system's has the same soname, so that only one of them is ever loaded.
target_compile_options(LibTorch::LibTorch INTERFACE ${OpenMP_CXX_FLAGS})
file(GLOB _gomp "${TORCH_ROOT}/lib/libgomp*.so*" "${TORCH_ROOT}/../torch.libs/libgomp*.so*")
if(_gomp)
  list(GET _gomp 0 _gomp)
else()
  set(_gomp ${OpenMP_CXX_LIBRARIES})
endif()
target_link_libraries(LibTorch::LibTorch INTERFACE torch_cpu c10 ${_gomp} Threads::Threads)
target_link_options(LibTorch::LibTorch INTERFACE "LINKER:-rpath,${TORCH_ROOT}/lib")

set(TORCH_HAS_CUDA OFF)
if(EXISTS "${TORCH_ROOT}/lib/libtorch_cuda.so")
  set(TORCH_HAS_CUDA ON)
  # The CUDA backend registers itself when loaded, although no symbol of it is referenced.
  target_link_libraries(LibTorch::LibTorch INTERFACE -Wl,--no-as-needed torch_cuda c10_cuda torch -Wl,--as-needed)
  target_link_options(LibTorch::LibTorch INTERFACE LINKER:--allow-shlib-undefined)
endif()
if(SSCVAE_REQUIRE_CUDA AND NOT TORCH_HAS_CUDA)
  message(FATAL_ERROR "the LibTorch at ${TORCH_ROOT} is a CPU build: give -DTORCH_ROOT=<one with CUDA>")
endif()
message(STATUS "LibTorch ${TORCH_VERSION} (CUDA ${TORCH_HAS_CUDA}) at ${TORCH_ROOT}")
