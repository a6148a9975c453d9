# sscvae_layer(<name> [DEPENDS <layer>...] [LIBRARIES <lib>...] [LIBTORCH] [TORCH_TESTS <file>...])
#
# One folder src/sscvae/<name> is one static library sscvae::<name>; its *_test.cpp files are one test program
# sscvae_<name>_test whose cases carry the label `unit`. Library and headers are installed and exported.
#
# LIBTORCH: of the upper storey, which knows LibTorch and is left out where SSCVAE_TRAINING is off.
# TORCH_TESTS: the tests of a layer of the ground floor that compare with LibTorch. They are a program of their own,
# sscvae_<name>_torch_test, and left out likewise.
include_guard()
include(GoogleTest)
include(GNUInstallDirs)

function(sscvae_add_tests target label)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${label}" TIMEOUT 900 ENVIRONMENT "${SSCVAE_TEST_ENVIRONMENT}")
endfunction()

# sscvae_test_program(<layer> <program> [LIBTORCH] <source>...)
function(sscvae_test_program name program)
  cmake_parse_arguments(ARG "LIBTORCH" "" "" ${ARGN})
  if(NOT ARG_UNPARSED_ARGUMENTS)
    return()
  endif()
  add_executable(${program} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${program} PRIVATE sscvae::${name} sscvae::testing sscvae_warnings GTest::gtest_main)
  if(ARG_LIBTORCH)
    sscvae_compilation(${program} LIBTORCH OPTIONS -O1)
    target_link_libraries(${program} PRIVATE LibTorch::LibTorch)
  else()
    sscvae_compilation(${program} OPTIONS -O1)
  endif()
  sscvae_add_tests(${program} unit)
endfunction()

function(sscvae_layer name)
  cmake_parse_arguments(ARG "LIBTORCH" "" "DEPENDS;LIBRARIES;TORCH_TESTS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|benchmark)\\.cpp$")
  set(dependencies)
  foreach(layer ${ARG_DEPENDS})
    if(TARGET sscvae_${layer})  # the layering test refuses names that are no layer
      list(APPEND dependencies sscvae::${layer})
    endif()
  endforeach()
  if(NOT sources)
    return()  # a layer that nobody has written yet
  endif()
  add_library(sscvae_${name} STATIC ${sources})
  add_library(sscvae::${name} ALIAS sscvae_${name})
  if(ARG_LIBTORCH)
    sscvae_compilation(sscvae_${name} LIBTORCH)
    list(APPEND ARG_LIBRARIES LibTorch::LibTorch)
  else()
    sscvae_compilation(sscvae_${name})
  endif()
  set_target_properties(sscvae_${name} PROPERTIES EXPORT_NAME ${name} LINKER_LANGUAGE CXX)
  target_compile_features(sscvae_${name} PUBLIC cxx_std_20)
  target_include_directories(sscvae_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                                                   $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(sscvae_${name} PUBLIC ${dependencies} ${ARG_LIBRARIES}
                                       PRIVATE $<BUILD_INTERFACE:sscvae_warnings>)
  install(TARGETS sscvae_${name} EXPORT sscvaeTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/sscvae/${name}"
          FILES_MATCHING PATTERN "*.h" PATTERN "*_fixture.h" EXCLUDE PATTERN "test_*.h" EXCLUDE)
  if(NOT SSCVAE_BUILD_TESTS)
    return()
  endif()
  list(TRANSFORM ARG_TORCH_TESTS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(REMOVE_ITEM tests "" ${ARG_TORCH_TESTS})
  if(ARG_LIBTORCH)
    sscvae_test_program(${name} sscvae_${name}_test LIBTORCH ${tests})
  else()
    sscvae_test_program(${name} sscvae_${name}_test ${tests})
  endif()
  if(SSCVAE_TRAINING)
    sscvae_test_program(${name} sscvae_${name}_torch_test LIBTORCH ${ARG_TORCH_TESTS})
  endif()
endfunction()
