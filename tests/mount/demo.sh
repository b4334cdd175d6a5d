#!/bin/bash
# The demo shows what it promises, ends with 0 only then, and leaves nothing behind, however it ends.
# The last line is "N passed, N failed".
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ASTROFS_BUILD=${ASTROFS_BUILD:-$root/build/release}
# Everything the demo makes is in here, so that what it forgets is found.
base=$(realpath -- "$(mktemp -d)")
export TMPDIR=$base/tmp
mkdir "$TMPDIR"
trap 'rm -rf -- "$base"' EXIT
# Much more than any run takes.
patience=240

passed=0
failed=0
check() { # sentence, command
  local sentence=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $sentence"
  else
    failed=$((failed + 1))
    echo "FAILED: $sentence"
    tail -n 25 "$base/output" | sed 's/^/    | /'
  fi
}

demo() { timeout "$patience" "$root/scripts/demo" --no-build "$@" >"$base/output" 2>&1; }
says() { grep -qF -- "$1" "$base/output"; }
fails() { ! "$@"; }
is_mounted() { grep -qF -- " $TMPDIR/" /proc/self/mountinfo; }
echo "$TMPDIR/" >"$base/ours" # in a file: grep must not find itself
processes() { grep -lsF -f "$base/ours" /proc/[0-9]*/cmdline; }
# Some of a second may pass until a process that was told to end is gone.
is_clean() {
  local i
  for ((i = 0; i < 600; i++)); do
    if ! is_mounted && [[ -z $(processes) && -z $(ls -A "$TMPDIR") ]]; then return 0; fi
    sleep 0.05
  done
  echo "left: $(processes) $(ls -A "$TMPDIR") $(grep -F -- " $TMPDIR/" /proc/self/mountinfo)"
  return 1
}

check "the tour works" demo --picture "$base/cutout.png"
check "it says that all worked" says "steps worked"
check "one request brought the header" says "came 65.5 kB in 1 request, of"
check "it has no colours where no terminal is" fails grep -q $'\033' "$base/output"
check "the picture is a PNG file" test "$(head -c 4 "$base/cutout.png" | tail -c 3)" = PNG
check "the tour leaves nothing behind" is_clean

check "the tour of --keep works" demo --keep
place=$(sed -n 's/^ *end it: *.* --end \(.*\)$/\1/p' "$base/output")
look=$(sed -n 's/^ *look at it: *ls \(.*\)$/\1/p' "$base/output")
check "it stays mounted, and listed as it says" test "$(ls "$look" 2>&1 | wc -l)" = 1060
frame=$look/$(ls "$look" 2>/dev/null | tail -n 1)
check "a frame of the kept mount reads" test "$(head -c 9 "$frame" 2>&1)" = "SIMPLE  ="
check "the kept demo ends as it says" timeout "$patience" "$root/scripts/demo" --end "$place"
check "the kept demo leaves nothing behind" is_clean

check "--end refuses a place of somebody else" fails "$root/scripts/demo" --end "$base"
check "and has not removed it" test -d "$base"

# An unhappy end: SIGTERM in the middle of the tour.
timeout "$patience" "$root/scripts/demo" --no-build >"$base/output" 2>&1 &
pid=$!
for ((i = 0; i < 1200; i++)); do
  is_mounted && break
  sleep 0.05
done
check "the tour is in the middle of its work" is_mounted
kill "$pid"
wait "$pid"
check "a tour that is ended says so" test $? -ne 0
check "a tour that is ended leaves nothing behind" is_clean

# A control tool that cannot warm: the demo must not say that all is well.
mkdir "$base/build"
ln -s "$ASTROFS_BUILD/mount.astrofs" "$ASTROFS_BUILD/archive_sim" "$base/build"
printf '#!/bin/sh\n[ "$1" = warm ] && exit 3\nexec "%s" "$@"\n' "$ASTROFS_BUILD/astrofs" >"$base/build/astrofs"
chmod +x "$base/build/astrofs"
ASTROFS_BUILD=$base/build check "a step that fails fails the demo" fails demo
check "it names the step" says "ended with 3"
check "a tour that fails leaves nothing behind" is_clean

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
