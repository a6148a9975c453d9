# Cache options that are read from the command line: a value that is none of the possible ones stops the configuration,
# where if() would silently take it for OFF.
include_guard()

# The cache variable holds a boolean, or one of the further values.
function(sscvae_require_boolean name)
  string(TOUPPER "${${name}}" value)
  if(NOT value MATCHES "^(ON|OFF|YES|NO|TRUE|FALSE|Y|N|1|0)$" AND NOT "${${name}}" IN_LIST ARGN)
    list(JOIN ARGN ", " more)
    if(more)
      string(PREPEND more ", ")
    endif()
    message(FATAL_ERROR "${name}: expected ON, OFF${more}, got '${${name}}'")
  endif()
endfunction()

# The cache variable holds a whole number from 1.
function(sscvae_require_count name)
  if(NOT "${${name}}" MATCHES "^[1-9][0-9]*$")
    message(FATAL_ERROR "${name}: expected a number from 1, got '${${name}}'")
  endif()
endfunction()
