
# ---- Deleting, in reverse ----

# $list has what goes: lines of kind, namespace and names, in the order in which they were applied.

# Those of a class, last applied first.
listed() {
  printf '%s\n' "$list" | awk -v want="$1" '
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

# The kinds that the CRDs define which go, where the cluster has them.
custom_kinds() {
  there=$(k get crd -o name) || {
    printf '%s\n' "$there"
    return 1
  }
  for name in $(listed crd | cut -d' ' -f3-); do
    if printf '%s\n' "$there" | grep -qxF "customresourcedefinition.apiextensions.k8s.io/$name"; then say "$name"; fi
  done
}

# `kubectl get` that takes a kind which the server does not serve (any more) for one without objects.
get_any() {
  got=$(k get "$@" 2>&1) || case $got in
  *"the server doesn't have a resource type"*) return 0 ;;
  *)
    printf '%s\n' "$got"
    return 1
    ;;
  esac
  printf '%s\n' "$got" | grep -v '^No resources found' | without_noise
}

# What nobody else made, of a kind; these go with the CRDs, whoever made them.
own_objects() {
  get_any "$1" --all-namespaces -o go-template='{{range .items}}{{if not .metadata.ownerReferences}}{{with .metadata.namespace}}{{.}}/{{end}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}'
}

# An ALB with deletion protection stays, and with it its Ingress: better not to begin.
check_protection() {
  while read -r kind namespace names; do
    for name in $names; do
      ask "look at Ingress $namespace/$name" get_any "$kind" "$name" --namespace "$(namespace_of "$namespace")" --ignore-not-found -o jsonpath='{.metadata.annotations.alb\.ingress\.kubernetes\.io/load-balancer-attributes}'
      case $said in
      *deletion_protection.enabled=true*)
        fail 3 "the ALB of Ingress $namespace/$name has deletion protection, so that it could not be deleted. Take it back first: render with \`alb: {deletion-protection: false}\`, run this script without --delete, and then again with it. Nothing was changed."
        ;;
      esac
    done
  done <<END
$(listed ingress)
END
}

warn_of_loss() {
  ask "list the CRDs" custom_kinds
  kinds=$said
  for kind in $kinds; do
    ask "list $kind" own_objects "$kind"
    if [ -n "$said" ]; then
      say "These $kind go too:"
      printf '%s\n' "$said" | awk 'NR <= 20 { print "  " $0 } END { if (NR > 20) print "  and " NR - 20 " more" }'
    fi
  done
}

# Deletes by kind, namespace (`-`: none) and names; what is not there is fine, and so is a kind that the server lost.
delete() {
  kind=$1 namespace=$(namespace_of "$2")
  shift 2
  if [ -n "$dry_run" ]; then set -- --dry-run=server "$@"; fi
  if deleted=$(k delete "$kind" --namespace "$namespace" --ignore-not-found --wait=false "$@" 2>&1); then
    printf '%s\n' "$deleted"
    return
  fi
  case $deleted in
  *"the server doesn't have a resource type"*) ;;
  *)
    printf '%s\n' "$deleted"
    return 1
    ;;
  esac
}
delete_all() {
  if [ -z "$(listed "$1")" ]; then return; fi
  say "$2"
  while read -r kind names; do
    if [ -z "$kind" ]; then continue; fi
    # shellcheck disable=SC2086 # namespace and names, a word for each
    persist "delete $kind" delete "$kind" $names || late "delete $kind"
    printf '%s\n' "$said" | sed '/^$/d; s/^/  /'
  done <<END
$(listed "$1")
END
}

# Whether objects of a kind are gone: kind, namespace, names.
are_gone() {
  kind=$1 namespace=$(namespace_of "$2")
  shift 2
  there=$(get_any "$kind" --namespace "$namespace" "$@" --ignore-not-found -o name) || {
    printf '%s\n' "$there"
    return 1
  }
  [ -z "$there" ] || {
    printf 'timed out waiting for these to go: %s\n' "$(printf '%s' "$there" | tr '\n' ' ')"
    return 1
  }
}
await_gone() {
  if [ -n "$dry_run" ]; then return; fi
  while read -r kind namespace names; do
    if [ -z "$kind" ]; then continue; fi
    # shellcheck disable=SC2086 # a word for each name
    persist "wait until $kind $names is gone" are_gone "$kind" "$namespace" $names || {
      for name in $names; do why_it_stays "$kind" "$(namespace_of "$namespace")" "$name"; done
      late "$kind is still there"
    }
  done <<END
$(listed "$1")
END
}
why_it_stays() {
  [ -n "$(k get "$1" "$3" --namespace "$2" --ignore-not-found -o name 2>/dev/null)" ] || return 0
  finalizers=$(k get "$1" "$3" --namespace "$2" -o jsonpath='{.metadata.finalizers} {.spec.finalizers} {range .status.conditions[*]}{.message}{"\n"}{end}' 2>/dev/null) || finalizers=
  say "  $1 $3 waits for its finalizers: $finalizers"
  case $1 in
  ingress.*)
    say "  hint: the load balancer controller takes its finalizer off when the ALB is gone. Where the controller runs, its log"
    say "        says what holds it up (kubectl logs --namespace kube-system --selector app.kubernetes.io/name=${CONTROLLER:-alb-ingress-controller})."
    say "        Where the controller is gone, that never happens: install it again ($(how_to_install)), and it goes on from here."
    say "        Taking the finalizer off by hand would leave an ALB behind that nobody looks after and AWS bills."
    ;;
  namespace) say "  hint: kube-controller-manager empties a namespace; \`kubectl get namespace $3 -o yaml\` says what is left in it." ;;
  customresourcedefinition.*) say "  hint: objects of this kind are left, and who made them has to let go: kubectl get $3 --all-namespaces" ;;
  esac
}

# All objects of the CRDs that go, while the controllers that have to let go of them still run.
delete_custom() {
  if [ -z "$(listed crd)" ]; then return; fi
  persist "list the CRDs" custom_kinds || late "the server does not answer"
  kinds=$said
  for kind in $kinds; do
    persist "delete $kind" delete "$kind" - --all --all-namespaces || late "delete $kind"
    printf '%s\n' "$said" | sed '/^$/d; /^No resources found/d; s/^/  /'
  done
  if [ -n "$dry_run" ]; then return; fi
  persist "wait for custom resources to go" no_object_left || {
    say "  hint: a finalizer holds them, whose controller does not take it off. Where that controller is gone:"
    say "        kubectl patch KIND NAME --namespace NAMESPACE --type merge --patch '{\"metadata\":{\"finalizers\":null}}'"
    late "custom resources are still there"
  }
}
no_object_left() {
  for kind in $kinds; do
    left_over=$(get_any "$kind" --all-namespaces -o name) || {
      printf '%s\n' "$left_over"
      return 1
    }
    [ -z "$left_over" ] || {
      printf 'timed out waiting for %s\n' "$left_over" | head -n 5
      return 1
    }
  done
}

delete_list() {
  # First what would hold up everything else: policies that judge it, and webhooks once their pods are gone.
  delete_all policy "Delete policies"
  delete_all webhook "Delete webhooks"
  delete_all ingress "Delete the Ingress and wait until its ALB is gone"
  await_gone ingress
  delete_all custom "Delete custom resources"
  delete_custom
  await_gone custom
  delete_all rest "Delete the rest"
  delete_all crd "Delete CRDs"
  await_gone crd
  delete_all namespace "Delete namespaces${GRACE:+; the gateway, which drains, takes up to $GRACE seconds to go}"
  await_gone namespace
}
