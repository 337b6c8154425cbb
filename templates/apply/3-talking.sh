# ---- Talking ----

say() { printf '%s\n' "$*"; }
note() { say "note: $*"; }
# Ends with an exit code and a message; before anything is changed; after a wait that was in vain.
fail() { say "apply.sh: $(shift && say "$*")" >&2; exit "$1"; }
stop() { fail 3 "$* Nothing was changed."; }
late() { fail 1 "$*: not within $WAIT seconds (KNRENDER_WAIT). Running this again goes on from here."; }
# For what is asked again: why it is not so yet, or what kubectl said.
not_yet() { say "$*"; return 1; }

# kubectl in the context that was confirmed, whatever others make the current one meanwhile. Nothing but `tell` reads
# standard input, which belongs to the questions.
tell() { kubectl --context "$context" --request-timeout=60s "$@"; }
k() { tell "$@" </dev/null; }
# In a namespace (`-`: none).
kn() {
  its_namespace=$1
  shift
  if [ "$its_namespace" = - ]; then k "$@"; else k "$@" --namespace "$its_namespace"; fi
}
# In a namespace, where a kind that the server does not serve (any more) has no objects.
any() { unless "the server doesn't have a resource type" kn "$@"; }
# Does something, where an error that says $1 is an answer as well.
unless() {
  got=$(shift && "$@" 2>&1) || case $got in *"$1"*) ;; *) not_yet "$got" || return ;; esac
  say "$got" | grep -Ev "^No resources found|the server doesn't have a resource type" | without_noise
}
# Succeeds when there is an answer; $1 says why there is none yet.
filled() {
  got=$(shift && "$@") || return
  if [ -n "$got" ]; then say "$got"; else not_yet "$1"; fi
}
# Whether there is an object: kind and name.
is_there() { must "look for $1 $2" k get "$1" "$2" --ignore-not-found -o name && [ -n "$said" ]; }

# Lists are lines of words. Calls a function with the words of each line.
each() {
  while read -r line; do
    # shellcheck disable=SC2086 # words
    if [ -n "$line" ]; then "$1" $line || return; fi
  done <<END
$2
END
}
lines() { printf '%s\n' "$@" | sed '/^$/d'; }
# Namespace and name of each object of a kind; the names alone.
of_kind() { objects | awk -v kind="$1" '$1 == kind { for (i = 3; i <= NF; i++) print $2, $i }'; }
names() { of_kind "$1" | cut -d' ' -f2; }
CRD=customresourcedefinition.apiextensions.k8s.io

# All waits of so many seconds, and not more than $WAIT, end together.
start_clock() { end=$(($(date +%s) + ($1 < WAIT ? $1 : WAIT))); }
# For one call of kubectl's that waits: not longer than ten seconds, so that a server that restarts is asked again.
a_while() {
  left=$((end - $(date +%s)))
  say "$((left > 10 ? 10 : left < 1 ? 1 : left))s"
}

# Does something, once for `attempt`. `persist` tries until it succeeds: it ends the run at once on an error that
# waiting does not cure, and returns 1 when the time is up. `must` ends the run then as well. The first argument says
# what is done; what kubectl said last is in $said, the warnings in it in $warnings.
attempt() { said=$(shift && "$@" 2>&1); }
must() {
  persist "$@" || if [ -n "$begun" ]; then late "$1"; else stop "the server $server does not answer."; fi
}
persist() {
  doing=$1 shown=''
  shift
  while :; do
    code=0
    said=$("$@" 2>&1) || code=$?
    warnings=$(say "$said" | grep '^Warning: ' | sort -u) || warnings=
    said=$(say "$said" | without_noise)
    if [ "$code" = 0 ]; then return 0; fi
    lasting=$(sort_out lasting "$said")
    if [ -n "$lasting" ]; then
      say "$lasting" >&2
      [ -n "$begun" ] || stop "$doing: failed, and waiting does not help."
      fail 1 "$doing: failed, and waiting does not help. Mend it, and run this again."
    fi
    reason=$(sort_out reason "$said")
    if [ "$(date +%s)" -ge "$end" ]; then not_yet "$reason" >&2 || return; fi
    if [ "$reason" != "$shown" ]; then say "  not yet: $reason"; fi
    shown=$reason
    sleep "$PAUSE"
  done
}

# What kubectl says beside its answer: warnings, and its own log about API groups whose server is down, as that of the
# custom metrics is until its pods run.
without_noise() { grep -Ev '^$|^[Ww]arning: |^[EIW][0-9][0-9][0-9][0-9] ' || true; }

# Sorts out what kubectl said: with `lasting`, the errors that waiting does not cure; with `reason`, why to wait; with
# `refused`, the lasting ones less those that a dry run brings about (no namespace, since it could not be made), each
# right that is missing once. An error starts on a line that is known, and may say what the server answered only on its
# last line. With $new_kinds set, a kind that the server does not know yet is waited for: its CRD is established.
new_kinds=
sort_out() {
  printf '%s\n' "$2" | awk -v want="$1" -v new="$new_kinds" '
    function class() {
      if (error ~ /denied the request/) return "lasting"
      if (error ~ /failed calling webhook|failed to call webhook|no endpoints available|no address yet/ ||
        error ~ /connection refused|was refused - did you|connection reset|i\/o timeout|TLS handshake timeout|EOF/ ||
        error ~ /http2: |stream error: |context deadline exceeded|Client\.Timeout|request canceled/ ||
        error ~ /\((ServiceUnavailable|TooManyRequests|Timeout|ServerTimeout)\)|etcdserver: |RBAC: .*not found/ ||
        error ~ /currently unable to handle the request|being terminated|is being deleted|object has been modified/ ||
        error ~ /timed out waiting|exceeded its progress deadline/) return "wait"
      if (error ~ /no matches for kind|could not find the requested resource/) return new != "" ? "wait" : "follows"
      return error ~ /namespaces ".*" not found|does not support dry run/ ? "follows" : "lasting"
    }
    function flush(  kind) {
      if (error == "") return
      kind = class()
      if (kind == "wait" && reason == "") reason = last
      if (want == "refused" && match(last, /cannot [a-z]+ resource .*/)) error = "you " substr(last, RSTART)
      if (want != "refused" || !(error in known)) found[kind] = found[kind] error "\n"
      known[error]
      error = ""
    }
    /^Waiting for / { progress = $0; next }
    /^\{/ || /condition met$/ { next }
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
      if (reason == "" && want != "refused") found["lasting"] = found["lasting"] found["follows"]
      if (reason found["lasting"] == "" && want != "refused") found["lasting"] = "kubectl failed and did not say why\n"
      printf "%s", found["lasting"]
    }'
}

