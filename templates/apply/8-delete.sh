# ---- --delete: in reverse, for --prune too ----

# $list has what goes: lines of kind, namespace and names, in the order in which they were applied.
delete_list() {
  # First what would hold up everything else: policies that judge it, and webhooks once their pods are gone.
  delete_class policy "Delete policies"
  delete_class webhook "Delete webhooks"
  delete_class ingress "Delete the Ingress and wait until its ALB is gone"
  delete_class custom "Delete custom resources"
  delete_custom
  delete_class rest "Delete the rest"
  delete_class crd "Delete CRDs"
  delete_class namespace "Delete namespaces${GRACE:+; the gateway, which drains, takes up to $GRACE seconds to go}"
}
# The lines of a class, last applied first.
listed() {
  say "$list" | awk -v want="$1" '
    NF < 3 { next }
    { class = "rest" }
    /^validatingadmissionpolicy[a-z]*\./ { class = "policy" }
    /^[a-z]*webhookconfiguration\./ { class = "webhook" }
    /^ingress\.(networking\.k8s\.io|extensions) / { class = "ingress" }
    /^[^ .]*\.[^ ]*\.[^ ]* / && !/^[^ ]*\.k8s\.io / { class = "custom" }
    /^customresourcedefinition\./ { class = "crd" }
    /^namespace / { class = "namespace" }
    class == want { line[++n] = $0 }
    END { for (i = n; i > 0; i--) print line[i] }'
}
delete_class() {
  deletes=$(listed "$1")
  if [ -z "$deletes" ]; then return; fi
  say "$2"
  each delete "$deletes"
  [ -n "$dry_run" ] || each await_line "$deletes"
}
# What is not there is fine, and so is a kind that the server lost.
delete() {
  kind=$1 namespace=$2
  shift 2
  must "delete $kind" any "$namespace" delete "$kind" --ignore-not-found --wait=false \
    ${dry_run:+--dry-run=server} "$@"
  lines "$said" | sed 's/^/  /'
}

await_line() {
  kind=$1 namespace=$2
  shift 2
  persist "wait until $kind $* is gone" are_gone "$namespace" "$kind" "$@" || {
    for name; do why_it_stays; done
    late "$kind is still there"
  }
}
are_gone() {
  namespace=$1
  there=$(shift && any "$namespace" get "$@" --ignore-not-found -o name) || not_yet "$there" || return
  [ -z "$there" ] || not_yet "timed out waiting for these to go: $(say "$there" | head -n 5 | tr '\n' ' ')"
}
why_it_stays() {
  finalizers=$(kn "$namespace" get "$kind" "$name" -o jsonpath="$FINALIZERS" 2>/dev/null) || return 0
  say "  $kind $name waits for its finalizers: $finalizers"
  case $kind in
  ingress.*)
    log="--namespace kube-system --selector app.kubernetes.io/name=${CONTROLLER:-alb-ingress-controller}"
    say "  hint: the load balancer controller takes its finalizer off when the ALB is gone. Where the controller runs,"
    say "        its log says what holds it up: kubectl logs $log"
    say "        Where the controller is gone, that never happens: install it again ($(how_to_install)), and it goes on"
    say "        from here. Taking the finalizer off by hand would leave an ALB behind that nobody looks after and AWS"
    say "        bills."
    ;;
  namespace) say "  hint: kube-controller-manager empties it; what is left: kubectl get namespace $name -o yaml" ;;
  customresourcedefinition.*)
    say "  hint: objects are left, and who made them has to let go: kubectl get $name --all-namespaces" ;;
  esac
}
FINALIZERS='{.metadata.finalizers} {.spec.finalizers} {.status.conditions[*].message}'

# An ALB with deletion protection stays, and with it its Ingress: better not to begin.
check_protection() { each check_ingress "$(listed ingress | by_object)"; }
check_ingress() {
  must "look at Ingress $2/$3" any "$2" get "$1" "$3" --ignore-not-found -o jsonpath="$ATTRIBUTES"
  case $said in *deletion_protection.enabled=true*) ;; *) return ;; esac
  stop "the ALB of Ingress $2/$3 has deletion protection, so that it could not be deleted. Take it back first:" \
    "render with \`alb: {deletion-protection: false}\`, run this script without --delete, and then again with it."
}
ATTRIBUTES='{.metadata.annotations.alb\.ingress\.kubernetes\.io/load-balancer-attributes}'

# With the CRDs go all objects of their kinds, whoever made them: those that nobody else made are shown before.
warn_of_loss() {
  must "list the CRDs" custom_kinds
  each warn_of_kind "$said"
}
warn_of_kind() {
  must "list $1" any - get "$1" --all-namespaces -o go-template="$UNOWNED"
  if [ -z "$said" ]; then return; fi
  say "These $1 go too:"
  say "$said" | awk '{ print "  " ($3 == "-" ? "" : $3 "/") $4 }' | at_most 20
}
# The kinds that the CRDs define which go, where the cluster has them.
custom_kinds() {
  there=$(k get crd -o name) || not_yet "$there" || return
  for name in $(listed crd | cut -d' ' -f3-); do
    if say "$there" | grep -qxF "$CRD/$name"; then say "$name"; fi
  done
}
# While the controllers that have to let go of them still run.
delete_custom() {
  if [ -z "$(listed crd)" ]; then return; fi
  must "list the CRDs" custom_kinds
  kinds=$said
  for kind in $kinds; do delete "$kind" - --all --all-namespaces; done
  if [ -n "$dry_run" ]; then return; fi
  for kind in $kinds; do
    persist "wait for custom resources to go" are_gone - "$kind" --all-namespaces || {
      say "  hint: a finalizer holds them, whose controller does not take it off. Where that controller is gone:"
      say "        kubectl patch $kind -n NAMESPACE NAME --type merge -p '{\"metadata\":{\"finalizers\":null}}'"
      late "custom resources are still there"
    }
  done
}

