# shellcheck shell=bash
# Progress of a script in numbered steps: one line each, with the seconds it took.
# The output of a step goes to a log file, and to the terminal only if the step fails.
#
#   steps_total=3; steps_log=/some/file.log
#   step "what it does" command args…      run a command as one step
#   step_done "what is there already"      a step with nothing to do

steps_total=0
steps_number=0
steps_log=/dev/null

step() {
  local title=$1 began=$SECONDS
  shift
  steps_number=$((steps_number + 1))
  printf '[%d/%d] %s …' "$steps_number" "$steps_total" "$title"
  printf '\n== %s\n' "$title" >>"$steps_log"
  # A subshell with its own -e: bash switches it off in the condition of an if.
  set +e
  (set -e; "$@") >>"$steps_log" 2>&1 </dev/null
  local status=$?
  set -e
  if [ "$status" -ne 0 ]; then
    printf ' failed after %d s\n\n' $((SECONDS - began))
    printf 'The last lines of %s:\n' "$steps_log"
    tail -n 25 "$steps_log" | sed 's/^/    /'
    exit "$status"
  fi
  printf ' %d s\n' $((SECONDS - began))
}

step_done() {
  steps_number=$((steps_number + 1))
  printf '[%d/%d] %s\n' "$steps_number" "$steps_total" "$1"
}

# Ends the script with what is missing and what to do about it.
missing() {
  printf '\n%s: %s\n' "$1" "$2" >&2
  exit 1
}
