
# ---- Talking: to people, and to the cluster ----

say() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*"; }
# Ends with an exit code and a message.
fail() {
  code=$1
  shift
  printf 'apply.sh: %s\n' "$*" >&2
  exit "$code"
}

# kubectl in the context that was confirmed, whatever others make the current one meanwhile. Nothing here reads standard
# input, which belongs to the questions.
k() { kubectl --context "$context" --request-timeout=60s "$@" </dev/null; }

# Objects of a kind, a line for each: namespace (`-`: none) and name.
of_kind() {
  objects | awk -v kind="$1" '$1 == kind { for (i = 3; i <= NF; i++) print $2, $i }'
}
namespace_of() { if [ "$1" = - ]; then printf ''; else printf '%s' "$1"; fi; }

# All waits of so many seconds end together.
start_clock() { end=$(($(date +%s) + $1)); }
time_is_up() { [ "$(date +%s)" -ge "$end" ]; }
# For one call of kubectl's that waits: not longer than ten seconds, so that a server that restarts is asked again.
a_while() {
  left=$((end - $(date +%s)))
  if [ "$left" -gt 10 ]; then left=10; elif [ "$left" -lt 1 ]; then left=1; fi
  printf '%ss' "$left"
}

# What kubectl says beside its answer: warnings, and its own log about API groups whose server is down, as that of the
# custom metrics is until its pods run.
NOISE='^$|^[Ww]arning: |^[EIW][0-9][0-9][0-9][0-9] '
without_noise() { grep -Ev "$NOISE" || true; }

# Sorts out what kubectl said: with `lasting`, the errors that waiting does not cure; with `reason`, why to wait; with
# `refused`, the lasting ones less those that can follow from another (no namespace, since it could not be made), which
# wait only together with that one. An error starts on a line that is known, and may say what the server answered only
# on its last line. With $new_kinds set, a kind that the server does not know yet is waited for: its CRD is established.
new_kinds=
sort_out() {
  printf '%s\n' "$2" | without_noise | awk -v want="$1" -v new="$new_kinds" '
    function flush(  kind) {
      if (error == "") return
      if (error ~ /denied the request/) kind = "lasting"
      else if (error ~ /failed calling webhook|failed to call webhook|no endpoints available|no address yet/) kind = "wait"
      else if (error ~ /connection refused|was refused - did you|connection reset|i\/o timeout|TLS handshake timeout|EOF|http2: |stream error: |context deadline exceeded|Client\.Timeout|request canceled/) kind = "wait"
      else if (error ~ /\((ServiceUnavailable|TooManyRequests|Timeout|ServerTimeout)\)|etcdserver: |currently unable to handle the request|RBAC: .*not found/) kind = "wait"
      else if (error ~ /being terminated|is being deleted|object has been modified/) kind = "wait"
      else if (error ~ /timed out waiting|exceeded its progress deadline/) kind = "wait"
      else if (new != "" && error ~ /no matches for kind|the server could not find the requested resource/) kind = "wait"
      else if (error ~ /namespaces ".*" not found|no matches for kind|the server could not find the requested resource/) kind = "follows"
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

# Does something until it succeeds. Ends the run at once on an error that waiting does not cure; returns 1 when the time is
# up. What kubectl said last is in $said, the warnings in it in $warnings.
persist() {
  doing=$1
  shift
  shown=
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
# The same once.
attempt() {
  shift
  said=$("$@" 2>&1)
}
# The same as persist, before anything is changed.
ask() { persist "$@" || fail 3 "the server $server does not answer. Nothing was changed."; }
late() { fail 1 "$*: not within $WAIT seconds (KNRENDER_WAIT). Running this again goes on from here."; }

# One batch. Server-side apply takes fields from other managers, as client-side apply always did. What controllers fill in at
# run time and no manifest has (a webhook's caBundle, its certificate, the ALB's name in config-domain) stays either way.
# What both a manifest and a controller write goes to and fro: each run puts a webhook's `rules` back to what the manifest
# says, and Knative, which expands them to the kinds that it serves, puts its own back within seconds; until then the
# webhook sees the manifest's. So does the ClusterRole knative-serving-admin of Knative 0.10, whose `rules: []` empties it
# until kube-controller-manager fills it again.
apply() {
  file=$1
  shift
  if [ -n "$SERVER_SIDE" ] && [ "$dry" != client ]; then set -- --server-side --force-conflicts "$@"; fi
  if [ -n "$dry" ]; then set -- --dry-run="$dry" "$@"; fi
  k apply -f "$folder/$file" "$@"
}
# What an apply changed, without what it left alone.
show_applied() {
  printf '%s\n' "$warnings" "$said" | awk '/ unchanged/ { same++; next } NF { print "  " $0 } END { if (same) print "  " same " unchanged" }'
}
