# sscvae_layer(<name> [DEPENDS <layer>...] [LIBRARIES <lib>...] [LIBTORCH])
#
# One folder src/sscvae/<name> is one static library sscvae::<name>; its *_test.cpp files are one test program
# sscvae_<name>_test whose cases carry the label `unit`. Library and headers are installed and exported. LIBTORCH: of the
# upper storey, which knows LibTorch.
include_guard()
include(GoogleTest)
include(GNUInstallDirs)

function(sscvae_add_tests target label)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${label}" TIMEOUT 900 ENVIRONMENT "${SSCVAE_TEST_ENVIRONMENT}")
endfunction()

function(sscvae_layer name)
  cmake_parse_arguments(ARG "LIBTORCH" "" "DEPENDS;LIBRARIES" ${ARGN})
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
  if(SSCVAE_BUILD_TESTS AND tests)
    add_executable(sscvae_${name}_test ${tests})
    sscvae_compilation(sscvae_${name}_test LIBTORCH OPTIONS -O1)
    target_link_libraries(sscvae_${name}_test PRIVATE sscvae::${name} sscvae::testing LibTorch::LibTorch sscvae_warnings
                                                      GTest::gtest_main)
    sscvae_add_tests(sscvae_${name}_test unit)
  endif()
endfunction()
