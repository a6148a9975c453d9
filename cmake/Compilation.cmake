# sscvae_compilation(<target> [LIBTORCH] [OPTIONS <for a release build>...]): how the target's sources are compiled, so
# that little of the time goes to headers: for targets that know LibTorch it would be most of it.
#
# - In batches (SSCVAE_UNITY, SSCVAE_UNITY_BATCH). Names in anonymous namespaces must be unique within a target. CMake
#   leaves sources with compile options of their own alone.
# - LIBTORCH: with its headers, compiled once for all targets (SSCVAE_PCH). Sources with options of their own do without.
include_guard()

if(SSCVAE_PCH AND SSCVAE_TRAINING)
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/generated/precompiled.cpp.new" "// Compiles cmake/precompiled.h.\n")
  configure_file("${CMAKE_CURRENT_BINARY_DIR}/generated/precompiled.cpp.new"
                 "${CMAKE_CURRENT_BINARY_DIR}/generated/precompiled.cpp" COPYONLY)
  add_library(sscvae_precompiled OBJECT "${CMAKE_CURRENT_BINARY_DIR}/generated/precompiled.cpp")
  target_compile_features(sscvae_precompiled PRIVATE cxx_std_20)
  target_precompile_headers(sscvae_precompiled PRIVATE "${CMAKE_CURRENT_LIST_DIR}/precompiled.h")
  # The warnings, too: -Wpedantic changes a macro, and with it whether the header can be used.
  target_link_libraries(sscvae_precompiled PRIVATE LibTorch::LibTorch nlohmann_json::nlohmann_json sscvae_warnings)
endif()

function(sscvae_compilation target)
  cmake_parse_arguments(ARG "LIBTORCH" "" "OPTIONS" ${ARGN})
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${SSCVAE_UNITY} UNITY_BUILD_BATCH_SIZE ${SSCVAE_UNITY_BATCH})
  target_compile_options(${target} PRIVATE "$<$<CONFIG:Release>:${ARG_OPTIONS}>")
  if(NOT SSCVAE_PCH OR NOT ARG_LIBTORCH)
    return()
  endif()
  # Programs would be compiled with -fPIE, for which the header of the libraries is of no use.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC)
  target_precompile_headers(${target} REUSE_FROM sscvae_precompiled)
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_source_file_property(options "${source}" COMPILE_OPTIONS)
    if(options)
      set_source_files_properties("${source}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
