
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
    say "  hint: these pods wait for a node that Fargate will not bring: no Fargate profile selected them when they were made."
    say "        Make a profile for namespace $1, then delete the pods, which are made anew:"
    say "        kubectl delete pods --namespace $1 --selector $2 --field-selector status.phase=Pending"
    ;;
  esac
  case $seen in
  *"not supported on Fargate"*) say "  hint: Fargate refuses the pod for what the event names; mend the manifest, apply, and delete the pod." ;;
  esac
  case $seen in
  *ImagePull* | *ErrImage* | *"pull image"*) say "  hint: the image cannot be pulled. Private subnets need a NAT gateway, or VPC endpoints and images in ECR (\`images\` in knrender.yaml)." ;;
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
  case $seen in
  *subnet*) say "  hint: an ALB takes two subnets in two zones: public ones with the tag kubernetes.io/role/elb=1, or internal ones with kubernetes.io/role/internal-elb=1." ;;
  *AccessDenied* | *"not authorized"* | *UnauthorizedOperation*) say "  hint: the controller's IAM role lacks a right; its policy is that of the controller's own release." ;;
  *"No resources found"*) say "  hint: no controller has looked at it. Its log: kubectl logs --namespace kube-system --selector app.kubernetes.io/name=${CONTROLLER:-alb-ingress-controller} --tail 30" ;;
  esac
}
