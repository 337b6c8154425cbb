# ---- Talking ----

say() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*"; }
# Ends with an exit code and a message.
fail() {
  code=$1
  shift
  printf 'apply.sh: %s\n' "$*" >&2
  exit "$code"
}
late() { fail 1 "$*: not within $WAIT seconds (KNRENDER_WAIT). Running this again goes on from here; \`knrender doctor\` says more, and its --bundle packs it for others."; }
# For what is asked again: why it is not so yet, or what kubectl said.
not_yet() {
  printf '%s\n' "$*"
  return 1
}

# kubectl in the context that was confirmed, whatever others make the current one meanwhile. Nothing here reads standard
# input, which belongs to the questions.
k() { kubectl --context "$context" --request-timeout=60s "$@" </dev/null; }
# In a namespace (`-`: none).
kn() {
  its_namespace=$1
  shift
  if [ "$its_namespace" = - ]; then k "$@"; else k "$@" --namespace "$its_namespace"; fi
}
# In a namespace, where a kind that the server does not serve (any more) has no objects.
any() {
  got=$(kn "$@" 2>&1) || case $got in
  *"the server doesn't have a resource type"*) return 0 ;;
  *) not_yet "$got" || return ;;
  esac
  printf '%s\n' "$got" | grep -v '^No resources found' | without_noise
}

# Lists are lines of words. Calls a function with the words of each line.
each() {
  while read -r line; do
    # shellcheck disable=SC2086 # words
    if [ -n "$line" ]; then "$1" $line || return; fi
  done <<END
$2
END
}
# Namespace and name of each object of a kind.
of_kind() { objects | awk -v kind="$1" '$1 == kind { for (i = 3; i <= NF; i++) print $2, $i }'; }

# All waits of so many seconds end together.
start_clock() { end=$(($(date +%s) + $1)); }
time_is_up() { [ "$(date +%s)" -ge "$end" ]; }
# For one call of kubectl's that waits: not longer than ten seconds, so that a server that restarts is asked again.
a_while() {
  left=$((end - $(date +%s)))
  if [ "$left" -gt 10 ]; then left=10; elif [ "$left" -lt 1 ]; then left=1; fi
  printf '%ss' "$left"
}

# Does something, once for `attempt`. `persist` tries until it succeeds: it ends the run at once on an error that waiting does
# not cure, and returns 1 when the time is up. `must` ends the run then, and so does `ask`, before anything is changed. The
# first argument says what is done; what kubectl said last is in $said, the warnings in it in $warnings.
attempt() {
  shift
  said=$("$@" 2>&1)
}
must() { persist "$@" || late "$1"; }
ask() { persist "$@" || fail 3 "the server $server does not answer. Nothing was changed."; }
persist() {
  doing=$1 shown=''
  shift
  while :; do
    code=0
    said=$("$@" 2>&1) || code=$?
    warnings=$(printf '%s\n' "$said" | grep '^Warning: ' | sort -u) || warnings=
    said=$(printf '%s\n' "$said" | without_noise)
    if [ "$code" = 0 ]; then return 0; fi
    lasting=$(sort_out lasting "$said")
    if [ -n "$lasting" ]; then
      printf '%s\n' "$lasting" >&2
      [ -n "$begun" ] || fail 3 "$doing: failed, and waiting does not help. Nothing was changed."
      fail 1 "$doing: failed, and waiting does not help. Mend it, and run this again."
    fi
    reason=$(sort_out reason "$said")
    if time_is_up; then
      printf '%s\n' "$reason" >&2
      return 1
    fi
    if [ "$reason" != "$shown" ]; then say "  not yet: $reason"; fi
    shown=$reason
    sleep "$PAUSE"
  done
}

# What kubectl says beside its answer: warnings, and its own log about API groups whose server is down, as that of the
# custom metrics is until its pods run.
without_noise() { grep -Ev '^$|^[Ww]arning: |^[EIW][0-9][0-9][0-9][0-9] ' || true; }

# Sorts out what kubectl said: with `lasting`, the errors that waiting does not cure; with `reason`, why to wait; with
# `refused`, the lasting ones less those that can follow from another (no namespace, since it could not be made), which
# wait only together with that one. An error starts on a line that is known, and may say what the server answered only
# on its last line. With $new_kinds set, a kind that the server does not know yet is waited for: its CRD is established.
new_kinds=
sort_out() {
  printf '%s\n' "$2" | awk -v want="$1" -v new="$new_kinds" '
    function flush(  kind) {
      if (error == "") return
      if (error ~ /denied the request/) kind = "lasting"
      else if (error ~ /failed calling webhook|failed to call webhook|no endpoints available|no address yet/) kind = "wait"
      else if (error ~ /connection refused|was refused - did you|connection reset|i\/o timeout|TLS handshake timeout|EOF|http2: |stream error: |context deadline exceeded|Client\.Timeout|request canceled/) kind = "wait"
      else if (error ~ /\((ServiceUnavailable|TooManyRequests|Timeout|ServerTimeout)\)|etcdserver: |currently unable to handle the request|RBAC: .*not found/) kind = "wait"
      else if (error ~ /being terminated|is being deleted|object has been modified|timed out waiting|exceeded its progress deadline/) kind = "wait"
      else if (error ~ /no matches for kind|the server could not find the requested resource/) kind = new != "" ? "wait" : "follows"
      else if (error ~ /namespaces ".*" not found/) kind = "follows"
      else kind = "lasting"
      if (kind == "lasting") lasting = lasting error "\n"
      if (kind == "follows") follows = follows error "\n"
      if (kind == "wait" && reason == "") reason = last
      error = ""
    }
    /^Waiting for / { progress = $0 }
    /^Waiting for / || /^\{/ || /condition met$/ { next }
    /^[a-z0-9.-]+\/[^ ]+ (created|configured|unchanged|serverside-applied|patched)/ { next }
    /^[a-z0-9.-]+ "[^ ]*" (force )?deleted/ { next }
    /^(Error|error|Unable|unable|The |resource mapping)/ { flush() }
    { error = error (error == "" ? "" : "\n") $0; last = $0 }
    END {
      flush()
      if (reason ~ /timed out waiting for the condition$/ && progress != "") reason = progress
      if (want == "reason") {
        from = match(reason, /failed calling webhook/) ? RSTART : length(reason) > 240 ? length(reason) - 239 : 1
        print substr(reason, from, 240)
        exit
      }
      if (reason == "" && want != "refused") lasting = lasting follows
      if (reason == "" && lasting == "" && want != "refused") lasting = "kubectl failed and did not say why\n"
      printf "%s", lasting
    }'
}

