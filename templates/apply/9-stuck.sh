# ---- What is stuck ----

# Ends a wait that was in vain with what the cluster says, in short, since somebody reads it at night. Why, and what to
# do, is `knrender doctor`'s to say, which only reads: it runs where it is installed.
stuck() {
  each show_unready "$(objects | awk '$2 != "-" { print $2 }' | sort -u)"
  say ""
  for doctor in knrender kubectl-knrender ''; do
    if [ -z "$doctor" ] || command -v "$doctor" >/dev/null 2>&1; then break; fi
  done
  say "Why, and what to do: ${doctor:-knrender} doctor --out '$folder' --context '$context'"
  say "(it only reads; --logs brings logs as well, and --bundle FILE packs all of it for others)"
  [ -z "$doctor" ] || "$doctor" doctor --out "$folder" --context "$context" </dev/null 2>&1 || true
  say ""
  late "$@"
}
# Of a namespace, what is not ready, and the last warnings but the one that Fargate gives every pod.
show_unready() {
  unready=$(kn "$1" get deployments,pods --no-headers -o wide 2>&1 | without_noise | awk '
    { split($2, ready, "/") }
    !/^No resources/ && $3 != "Completed" && ready[1] != ready[2]' | head -n 15)
  warned=$(kn "$1" get events --field-selector type=Warning --sort-by=.lastTimestamp --no-headers 2>&1 |
    without_noise | grep -Ev '^No resources| LoggingDisabled ' | tail -n 8) || warned=
  if [ -z "$unready$warned" ]; then return; fi
  say ""
  say "Namespace $1"
  lines "$unready" "$warned" | cut -c1-300 | sed 's/^/  /'
}

main "$@"
