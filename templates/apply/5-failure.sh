
# ---- What is stuck, and what to do about it ----

# Pods by label, with their events; bounded, since somebody reads it at night.
show_pods() {
  k get pods --namespace "$1" --selector "$2" -o wide 2>&1 | without_noise | head -n 12 || true
  pods=$(k get pods --namespace "$1" --selector "$2" -o jsonpath='{range .items[*]}{.metadata.name} {.status.phase} {.spec.schedulerName}{"\n"}{end}' 2>/dev/null) || pods=
  if [ -z "$pods" ]; then
    say "  hint: there are no pods. Either no controller runs that would make them (kube-controller-manager), or they are refused:"
    k get events --namespace "$1" --field-selector type=Warning --sort-by=.lastTimestamp 2>&1 | without_noise | tail -n 8 || true
    return
  fi
  seen=
  for pod in $(printf '%s\n' "$pods" | awk 'NR < 4 { print $1 }'); do
    seen="$seen
$(k get events --namespace "$1" --field-selector "involvedObject.name=$pod" --sort-by=.lastTimestamp 2>&1 | without_noise | tail -n 6)" || true
  done
  printf '%s\n' "$seen" | sed '/^$/d'
  case $pods in
  *" Pending default-scheduler"*)
    hint scheduler "$1" default-scheduler
    say "        kubectl delete pods --namespace $1 --selector $2 --field-selector status.phase=Pending"
    ;;
  *) hint pod "$1" "$seen" ;;
  esac
}

show_deployments() {
  shown_deployments=0
  while read -r its_namespace its_name; do
    if [ -z "$its_name" ] || [ "$shown_deployments" -ge 3 ]; then continue; fi
    its_namespace=$(namespace_of "$its_namespace")
    state=$(k get deployment "$its_name" --namespace "$its_namespace" --ignore-not-found -o jsonpath='{.metadata.name} {.status.conditions[?(@.type=="Available")].status}' 2>/dev/null) || continue
    case $state in
    '' | *True) continue ;;
    esac
    shown_deployments=$((shown_deployments + 1))
    say ""
    say "Deployment $its_namespace/$its_name"
    # shellcheck disable=SC2016 # a template of kubectl's
    labels=$(k get deployment "$its_name" --namespace "$its_namespace" -o go-template='{{range $key, $value := .spec.selector.matchLabels}}{{$key}}={{$value}},{{end}}' 2>/dev/null) || continue
    show_pods "$its_namespace" "${labels%,}"
  done <<END
$(of_kind deployment.apps)
END
}

show_ingress() {
  say ""
  seen=$(k get events --namespace "$1" --field-selector "involvedObject.kind=Ingress,involvedObject.name=$2" --sort-by=.lastTimestamp 2>&1 | without_noise | tail -n 10) || true
  printf '%s\n' "$seen"
  hint ingress "$1" "$seen"
}
