# ---- What is stuck, and why ----

# Shows what the Deployments that are not available wait for, and ends. Bounded, since somebody reads it at night.
stuck_deployments() {
  shown_deployments=0
  each show_deployment "$(of_kind deployment.apps)"
  late "$1"
}
show_deployment() {
  if [ "$shown_deployments" -ge 3 ]; then return; fi
  state=$(kn "$1" get deployment "$2" --ignore-not-found -o jsonpath='{.metadata.name} {.status.conditions[?(@.type=="Available")].status}' 2>/dev/null) || state=
  case $state in '' | *True) return ;; esac
  shown_deployments=$((shown_deployments + 1))
  say ""
  say "Deployment $1/$2"
  labels=$(kn "$1" get deployment "$2" -o go-template='{{range $key, $value := .spec.selector.matchLabels}}{{$key}}={{$value}},{{end}}' 2>/dev/null) || return 0
  show_pods "$1" "${labels%,}"
}
# Pods by label, with their events.
show_pods() {
  kn "$1" get pods --selector "$2" -o wide 2>&1 | without_noise | head -n 12 || true
  pods=$(kn "$1" get pods --selector "$2" -o jsonpath='{range .items[*]}{.metadata.name} {.status.phase} {.spec.schedulerName}{"\n"}{end}' 2>/dev/null) || pods=
  if [ -z "$pods" ]; then
    say "  hint: there are no pods. Either no controller runs that would make them (kube-controller-manager), or they are refused:"
    events "$1" type=Warning 8
    return
  fi
  seen=$(for pod in $(say "$pods" | awk 'NR < 4 { print $1 }'); do events "$1" "involvedObject.name=$pod" 6; done)
  say "$seen"
  hint pod "$1" "$pods $seen"
  case $pods in *" Pending default-scheduler"*)
    say "        kubectl delete pods --namespace $1 --selector $2 --field-selector status.phase=Pending" ;;
  esac
}
show_ingress() {
  seen=$(events "$1" "involvedObject.kind=Ingress,involvedObject.name=$2" 10)
  say ""
  say "$seen"
  hint ingress "$1" "$seen"
}
events() { kn "$1" get events --field-selector "$2" --sort-by=.lastTimestamp 2>&1 | without_noise | tail -n "$3" || true; }

