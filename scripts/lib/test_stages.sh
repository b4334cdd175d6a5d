# shellcheck shell=bash disable=SC2154
# The stages of scripts/test, which reads this file. They add to these totals, and conclude prints them.
passed=0
failed=0
skipped=0
failures=()
fuzzing= # the process that runs the fuzz targets
results=$root/build/results
# A program that has not ended by then hangs: the longest takes a few minutes under a sanitizer on two cores.
limit_seconds=900
fuzz_seconds=${FUZZ_SECONDS:-3}

count() { # name passed failed skipped seconds
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  printf '  %-34s %5d passed' "$1" "$2"
  [[ $3 -gt 0 ]] && printf ', %d FAILED' "$3" && failures+=("$1")
  [[ $4 -gt 0 ]] && printf ', %d skipped' "$4"
  printf ' (%d s)\n' "$5"
}

failed_step() {
  count "$1" 0 1 0 0
}

conclude() {
  local line="$passed passed, $failed failed"
  [[ $skipped -gt 0 ]] && line+=", $skipped skipped"
  if [[ ${#failures[@]} -gt 0 ]]; then
    printf 'Failed: %s (logs in build/results)\n' "${failures[*]}"
  fi
  if [[ $((passed + failed)) -eq 0 ]]; then
    echo "scripts/test: nothing was run" >&2
    line="0 passed, 1 failed"
    failed=1
  fi
  echo "$line"
  trap - EXIT
  local beside
  for beside in $ahead $fuzzing; do kill -- -"$beside" 2>/dev/null; done
  [[ $failed -eq 0 ]] && exit 0
  exit 1
}

wanted() { # any of the names, when --only asks for one
  [[ -z $only ]] && return 0
  local name
  for name in "$@"; do
    [[ $name == "$only" ]] && return 0
  done
  return 1
}

show_tail() { # log
  sed 's/^/    | /' "$1" | tail -n 60
}

log_of() { # label
  echo "$results/${1//[^A-Za-z0-9_.-]/_}.log"
}

execute() { # label command...: keeps what it says, how it ends and how long it takes
  local log start=$SECONDS status=0
  log=$(log_of "$1")
  shift
  rm -f "$log.end"
  timeout "$limit_seconds" "$@" >"$log" 2>&1 || status=$?
  echo "$status $((SECONDS - start))" >"$log.end"
}

report_step() { # label: a check that passes or fails as a whole
  local log status=1 seconds=0
  log=$(log_of "$1")
  [[ -f $log.end ]] && read -r status seconds <"$log.end"
  if [[ $status -eq 0 ]]; then
    count "$1" 1 0 0 "$seconds"
  else
    count "$1" 0 1 0 "$seconds"
    show_tail "$log"
  fi
}

run_step() { # label command...
  execute "$@"
  report_step "$1"
}

# The real server of mount/dachs.py is installed while the first programs are compiled. Where that cannot be, its tests are
# skipped with a message.
server_installation=
install_server() { # 0: only look whether it is here
  if [[ $1 -eq 1 ]]; then
    scripts/dachs install >"$results/dachs-install.log" 2>&1 &
  else
    scripts/dachs missing >"$results/dachs-install.log" 2>&1 &
  fi
  server_installation=$!
}

await_server() {
  [[ -z $server_installation ]] && return
  if wait "$server_installation"; then
    export ASTROFS_DACHS=required
  else
    echo "  no real server to test against:"
    show_tail "$results/dachs-install.log" | tail -n 5
    export ASTROFS_DACHS=no
  fi
  server_installation=
}

# The test programs that tests/CMakeLists.txt knows and whose folder has sources.
test_names() {
  local name
  for name in $(sed -n 's/^astrofs_tests(\([a-z_]*\).*/\1/p' tests/CMakeLists.txt); do
    compgen -G "tests/$name/*.cpp" >/dev/null && echo "$name"
  done
}

# What will be built next, in the processor's time that the tests before it leave: much of them is waiting.
ahead=
ahead_preset=
build_ahead() { # preset targets...; all when none are given
  [[ -n $only || $quick -eq 1 ]] && return
  local preset=$1
  ahead_preset=$preset
  shift
  set -m # a process group of its own, to be ended as one
  (cmake --preset "$preset" && nice -n 19 cmake --build --preset "$preset" --target "${@:-all}") >"$results/build-$preset-ahead.log" 2>&1 &
  set +m
  ahead=$!
}

configure_and_build() { # preset targets...
  local preset=$1 log=$results/build-$1.log start=$SECONDS
  if [[ $ahead_preset == "$preset" ]]; then
    wait "$ahead" # whatever has failed there fails here again, and is said
    ahead='' ahead_preset=''
  fi
  shift
  local targets=()
  [[ $# -gt 0 ]] && targets=(--target "$@")
  if cmake --preset "$preset" >"$log" 2>&1 && cmake --build --preset "$preset" "${targets[@]}" >>"$log" 2>&1; then
    printf '  %-34s built (%d s)\n' "$preset" $((SECONDS - start))
    return 0
  fi
  failed_step "build $preset"
  grep -E 'error|FAILED|Error' "$log" | head -n 20 | sed 's/^/    | /'
  show_tail "$log" | tail -n 20
  return 1
}

execute_gtest() { # preset name
  local program=build/$1/$2_tests start=$SECONDS status=0
  local log=$results/$1-$2.log
  rm -f "$results/$1-$2".{json,end}
  [[ -x $program ]] || return
  timeout "$limit_seconds" "$program" --gtest_brief=1 --gtest_output="json:$results/$1-$2.json" >"$log" 2>&1 || status=$?
  echo "$status $((SECONDS - start))" >"$results/$1-$2.end"
}

report_gtest() { # preset name
  local label="$1 $2" status seconds totals said log=$results/$1-$2.log
  [[ -f $results/$1-$2.end ]] || { failed_step "$label" && return; }
  read -r status seconds <"$results/$1-$2.end"
  # "passed failed skipped" and what failed; a program that crashed has written nothing.
  if ! said=$(python3 scripts/lib/gtest_totals.py "$results/$1-$2.json" "$status" 2>/dev/null); then
    said="0 1 0"
    echo "ended with status $status before its last test" >>"$log"
  fi
  totals=${said%%$'\n'*}
  # shellcheck disable=SC2086 # three numbers
  count "$label" $totals "$seconds"
  if [[ $said == *$'\n'* ]]; then
    sed 's/^/    | /' <<<"${said#*$'\n'}" | head -n 60
  elif [[ $status -ne 0 ]]; then
    show_tail "$log"
  fi
  return 0
}

# Two at a time: much of what tests do is waiting. They share nothing but the machine.
# In a shell of their own, which knows of no build that goes on beside them.
in_pairs() ( # function names...: calls the function with each name
  call=$1 running=0
  shift
  for name in "$@"; do
    "$call" "$name" &
    running=$((running + 1))
    if [[ $running -eq 2 ]]; then
      wait -n
      running=1
    fi
  done
  wait
)

run_gtests() { # preset names...
  local preset=$1 name
  shift
  execute_one() { execute_gtest "$preset" "$1"; }
  in_pairs execute_one "$@"
  for name in "$@"; do report_gtest "$preset" "$name"; done
}

# A script says "N passed, N failed" or "N passed, N failed, N skipped" in its last line.
report_script() { # label
  local label=$1 log status=1 seconds=0 line p=0 f=1 s=0
  log=$(log_of "$label")
  [[ -f $log.end ]] && read -r status seconds <"$log.end"
  line=$(grep -oE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
    [[ $status -ne 0 && $f -eq 0 ]] && f=1
  fi
  count "$label" "$p" "$f" "$s" "$seconds"
  [[ $f -gt 0 ]] && show_tail "$log"
  return 0
}

stage_release() {
  local name script
  local names=() scripts=()
  for name in $(test_names); do
    wanted release "$name" && names+=("$name")
  done
  for script in tests/crash/*.py tests/mount/*.sh tests/mount/*.py tests/semantics/check*; do
    [[ -x $script ]] && wanted release "$(basename "$script")" "$(basename "${script%.*}")" "$(basename "$(dirname "$script")")" &&
      scripts+=("$script")
  done
  if wanted release layers && [[ -x scripts/check_layers ]]; then
    run_step "check_layers" scripts/check_layers
    run_step "check_layers --self-test" scripts/check_layers --self-test
  fi
  [[ ${#names[@]} -eq 0 && ${#scripts[@]} -eq 0 ]] && return
  local targets=()
  [[ -n $only && $only != release && ${#scripts[@]} -eq 0 ]] && targets=("${names[@]/%/_tests}")
  configure_and_build release "${targets[@]}" || return
  build_ahead asan
  run_gtests release "${names[@]}"
  await_server
  execute_one() { ASTROFS_BUILD=$root/build/release execute "$1" "$1"; }
  in_pairs execute_one "${scripts[@]}"
  for script in "${scripts[@]}"; do report_script "$script"; done
}

# Who finds the names of functions for clang's sanitizers: binutils' is here wherever g++ is, LLVM's need not be.
symbolizer=external_symbolizer_path=$(command -v addr2line || true)

# clang builds what the sanitizers watch, in half of g++'s time, and analyses the locks (-Wthread-safety) as it goes.
stage_sanitizer() { # preset names...; all but the mount tests when none are given
  local preset=$1 name
  local names=()
  shift
  for name in $(test_names); do
    [[ $name == mount ]] && continue
    [[ $# -gt 0 && " $* " != *" $name "* ]] && continue
    wanted "$preset" "$name" && names+=("$name")
  done
  [[ ${#names[@]} -eq 0 ]] && return
  configure_and_build "$preset" "${names[@]/%/_tests}" || return
  [[ $preset == asan ]] && build_ahead tsan "${tsan_names[@]/%/_tests}" mount.astrofs astrofs archive_sim
  ASAN_OPTIONS=$symbolizer TSAN_OPTIONS=$symbolizer UBSAN_OPTIONS=$symbolizer run_gtests "$preset" "${names[@]}"
}

# The daemon itself under a sanitizer: mounted, read, failing. Its reports go to files, since it has no terminal.
stage_sanitized_mounts() { # preset scripts...
  local preset=$1 name
  shift
  wanted "$preset" mount || return
  configure_and_build "$preset" mount.astrofs astrofs archive_sim || return
  local reports=$results/$preset-report
  rm -f "$reports".*
  # No leak check at exit: the daemon is not dumpable, so that tokens never reach a core, and cannot be traced for it.
  execute_one() {
    ASAN_OPTIONS="log_path=$reports:detect_leaks=0:$symbolizer" UBSAN_OPTIONS="log_path=$reports:print_stacktrace=1:$symbolizer" \
      TSAN_OPTIONS="log_path=$reports:$symbolizer" ASTROFS_BUILD=$root/build/$preset execute "$preset tests/mount/$1" "tests/mount/$1"
  }
  in_pairs execute_one "$@"
  for name in "$@"; do report_script "$preset tests/mount/$name"; done
  if compgen -G "$reports.*" >/dev/null; then
    failed_step "$preset reports of the daemon"
    cat "$reports".* | head -n 60 | sed 's/^/    | /'
  else
    count "$preset reports of the daemon" 1 0 0 0
  fi
}

# Every fuzz target runs for a moment, one after the other beside the tests that follow, of which much is waiting.
fuzz_targets=()
begin_fuzz() {
  if wanted thread-safety fuzz; then
    # Its warnings are errors, and all of the rooms is compiled.
    configure_and_build asan astrofs_base astrofs_cache astrofs_backends astrofs_fs || return
    count "thread-safety" 1 0 0 0
  fi
  local source name
  for source in tests/fuzz/fuzz_*.cpp; do
    [[ -e $source ]] || continue
    name=$(basename "${source%.cpp}")
    wanted fuzz "$name" && fuzz_targets+=("$name")
  done
  [[ ${#fuzz_targets[@]} -eq 0 ]] && return
  configure_and_build asan "${fuzz_targets[@]}" || { fuzz_targets=() && return; }
  rm -f "$results"/fuzz_*.end # of an earlier run
  set -m                      # a process group of its own, to be ended as one
  run_fuzz &
  set +m
  fuzzing=$!
}

run_fuzz() {
  local name corpus seeds
  for name in "${fuzz_targets[@]}"; do
    corpus=$root/build/corpus/$name seeds=()
    mkdir -p "$corpus"
    [[ -d tests/fuzz/corpus/${name#fuzz_} ]] && seeds=("tests/fuzz/corpus/${name#fuzz_}")
    # An input may take half a minute: others have the processors too.
    ASAN_OPTIONS=$symbolizer execute "$name" nice -n 5 "build/asan/$name" -max_total_time="$fuzz_seconds" -timeout=30 \
      -rss_limit_mb=2048 -artifact_prefix="$results/$name-" "$corpus" "${seeds[@]}"
  done
}

end_fuzz() {
  local name
  [[ -n $fuzzing ]] && wait "$fuzzing"
  fuzzing=
  for name in "${fuzz_targets[@]}"; do report_step "$name"; done
}
