# program.sh - for tests of programs as a person uses them: sourced by test_*.sh, not run. EXAMPLES
# and TOOLS are the folders of the programs and of mnist_tool. A test runs a program with its output
# in $out and $err and sets $status; what is then not as expected is told, after $what if that is
# set, and fails the test.
# shellcheck shell=sh disable=SC2034,SC2154 # what is set here is for others, and $status by them
set -u
export LC_ALL=C
examples=${EXAMPLES:-examples} tools=${TOOLS:-build/release-cc/test}
case $examples in /*) ;; *) examples=$PWD/$examples ;; esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
data=$folder/data out=$folder/out err=$folder/err
mkdir "$data"

problem() {
  echo "  ${what:+$what: }$*; exit status $status"
  sed 's/^/  out: /' "$out" | tail -n 5
  sed 's/^/  err: /' "$err" | tail -n 5
  failed=yes
}
exits() { [ "$status" -eq "$1" ] || problem "expected exit status $1"; }
says() { grep -qF -e "$1" "$err" || problem "expected '$1' on stderr"; }
says_like() { grep -q -e "$1" "$err" || problem "expected '$1' on stderr"; }
prints() { grep -qE -e "$1" "$out" || problem "expected '$1' on stdout"; }
lines() { [ "$(wc -l <"$1" | tr -d ' ')" = "$2" ] || problem "expected $2 lines in $1"; }
silent() { [ ! -s "$1" ] || problem "unexpected output"; }
holds() { "$@" || problem "$*"; }

# one_page FILE: refers to nothing else, and, where there is a browser, opens without a word in its console,
# on a phone and on a desk.
one_page() {
  ! grep -q 'https\?://' "$1" || problem 'it refers elsewhere'
  command -v chromium >/dev/null || return 0
  for width in 400 1200; do
    timeout 60 chromium --headless --no-sandbox --disable-gpu "--window-size=$width,800" "--screenshot=$folder/page.png" \
        --enable-logging=stderr "file://$1" >"$out" 2>&1
    status=$?
    exits 0
    ! grep -q CONSOLE "$out" || problem 'a message in the console'
    holds test -s "$folder/page.png"
  done
}

# check NAME...: the functions of these names are the tests; the last of the script.
check() {
  bad=0
  for test; do
    failed='' skipped='' what=''
    "$test"
    if [ -n "$skipped" ]; then echo "[  SKIPPED ] $test: $skipped"
    elif [ -z "$failed" ]; then echo "[       OK ] $test"
    else echo "[  FAILED  ] $test"; bad=$((bad + 1)); fi
  done
  [ $bad -eq 0 ]
}
