# ---- Applying ----

apply_all() {
  await_controller
  #if migration
  move_stored_objects
  #end
  # What may be there from now on; a first run has no namespace for it yet.
  keep attempt "$(lines "$recorded" "$(match_lines "$(in_render)" "$recorded" not | sed 's/$/ -/')")" || true
  if [ -n "$CONTROLLER_FILE" ]; then apply_batch "$CONTROLLER_FILE"; fi
  apply_batch "$FIRST"
  say "Wait until the CRDs are established"
  crds=$(names "$CRD" | sed 's|^|crd/|')
  # shellcheck disable=SC2086 # a word for each CRD
  [ -z "$crds" ] || must "wait for the CRDs" k wait --for=condition=Established --timeout="$(a_while)" $crds
  #if second
  new_kinds=yes
  # Where a webhook of the first batch has to let it pass, pods have to start, and somebody has to start them.
  apply "$SECOND" >/dev/null 2>&1 || await_attention
  apply_batch "$SECOND"
  new_kinds=
  #end
  # At once, whatever becomes of the waits, in which more may come.
  record attempt || true
  say "Wait for the Deployments; on Fargate a first pod takes more than a minute"
  await_attention
  each roll_out "$(of_kind deployment.apps)"
  each await_webhook "$WEBHOOKS"
  #if jobs
  each await_job "$UPGRADE_JOBS"
  #end
  each await_autoscaler "$(of_kind horizontalpodautoscaler.autoscaling)"
  record persist || late "the inventory cannot be written"
  [ -z "$no_controller" ] || fail 1 "everything is applied, and the Ingress has no ALB: $no_controller." \
    "Install the controller ($(how_to_install)) and run this again, or say --without-controller where that is meant."
  if [ -n "$without_controller" ]; then return; fi
  address=
  each await_address "$(of_kind "$INGRESS_KIND")"
  if [ -n "$address" ]; then set_domain; say_how_to_call; fi
  #if gates
  gate_gateway
  #end
}

# What controllers fill in at run time and no manifest has (a webhook's caBundle, the ALB's name in config-domain)
# stays. What both write goes to and fro: a webhook's `rules`, the ClusterRole knative-serving-admin of Knative 0.10.
apply() {
  file=$1
  set --
  #if server-side
  if [ "$dry" != client ]; then set -- --server-side --force-conflicts; fi
  #end
  #if jobs
  if [ "$file" = "$FIRST" ]; then set -- "$@" --selector "$NOT_LATER"; fi
  #end
  k apply -f "$folder/$file" ${dry:+--dry-run="$dry"} "$@"
}
show_applied() {
  lines "$warnings" "$said" |
    awk '/ unchanged/ { same++; next } { print "  " $0 } END { if (same) print "  " same " unchanged" }'
}
apply_batch() {
  say "Apply $1"
  persist "apply $1" apply "$1" || stuck "apply $1"
  show_applied
}

# A webhook of the controller's that does not answer refuses every Service and every Ingress.
await_controller() {
  if [ -n "$CONTROLLER" ] && [ -z "$without_controller$no_controller" ]; then
    say "Wait for the load balancer controller"
    persist "wait for the load balancer controller" k wait deployments --all-namespaces --selector "$label" \
      --for=condition=Available --timeout="$(a_while)" ||
      late "the Deployment of the load balancer controller is not available;" \
        "\`kubectl describe pods -A -l $label\` says why"
  fi
  must "look for the controller's webhook" k get "$CONFIGURATIONS" -o jsonpath="$SERVICES"
  each await_webhook "$(say "$said" | awk '$1 ~ /^aws-load-balancer/ && NF == 3 { print $2, $3, $1 }' | sort -u)"
}
CONFIGURATIONS=mutatingwebhookconfigurations,validatingwebhookconfigurations
SERVICES="{range .items[*]}
{.metadata.name} {.webhooks[0].clientConfig.service['namespace','name']}{end}"
# Namespace and name of its Service, and its configuration where another's webhook stands in the way. (JSONPath ends in
# an error on a slice that has no endpoints yet.)
await_webhook() {
  remedy=${3:+"; where the load balancer controller is gone for good, delete the webhook configurations $3"}
  persist "wait for the webhook" filled "no endpoints available for Service $1/$2" \
    kn "$1" get endpointslices --selector "kubernetes.io/service-name=$2" -o go-template="$READY" ||
    stuck "Service $1/$2 has no ready pod behind it: its webhook answers nobody, and what it judges is refused$remedy"
}
READY='{{range .items}}{{range .endpoints}}{{if .conditions.ready}}{{.addresses}}{{end}}{{end}}{{end}}'

#if migration
# Only where the new CRDs lack a version in which objects are stored does the Job that moves them come before the new
# core, and not after it, as Knative's documentation has it. It runs once more then.
move_stored_objects() {
  if [ -z "$refused" ]; then return; fi
  say "Move stored objects to the version that stays"
  run_job "${MIGRATION%/*}" "${MIGRATION#*/}" "$MIGRATION_ONLY"
  must "delete Job $MIGRATION" kn "${MIGRATION%/*}" delete job "${MIGRATION#*/}" --ignore-not-found --wait=false
}

#end
#if jobs
# Applies Jobs, selected by label, and waits for one. A Job that failed is run anew. Client-side apply with --force
# deletes and makes anew a Job that was changed, since a Job cannot be.
run_job() {
  must "look for Job $1/$2" job_state "$1" "$2"
  case $said in
  *Failed*) must "delete the failed Job $1/$2" kn "$1" delete job "$2" --ignore-not-found ;;
  esac
  must "apply Job $1/$2" k apply --force -f "$folder/$FIRST" --selector "$3"
  persist "wait for Job $1/$2" job_is_over "$1" "$2" || stuck "Job $1/$2 is not done"
  case $said in *Complete*) return ;; esac
  kn "$1" logs "job/$2" --tail=20 >&2 || true
  fail 1 "Job $1/$2 failed. Running this again runs it anew."
}
# `Complete`, `Failed`, or nothing.
job_state() {
  kn "$1" get job "$2" --ignore-not-found -o jsonpath='{.status.conditions[?(@.status=="True")].type}'
}
job_is_over() {
  state=$(job_state "$1" "$2") || return
  case $state in *Complete* | *Failed*) say "$state" ;; *) not_yet "timed out waiting for Job $1/$2" ;; esac
}
await_job() {
  say "Run Job $1/$2"
  run_job "$1" "$2" "$LATER"
}

#end
# Where nobody acts on Deployments at all, all waiting is in vain: kube-controller-manager notes in seconds that it saw
# one.
await_attention() { each await_look "$(of_kind deployment.apps | head -n 1)"; }
await_look() {
  nobody="nobody looks at Deployment $1/$2" whole=$end
  start_clock 60
  if [ "$end" -gt "$whole" ]; then end=$whole; fi
  persist "look at Deployment $1/$2" filled "timed out waiting for its status: $nobody" \
    kn "$1" get deployment "$2" -o jsonpath='{.status.observedGeneration}' || case $said in
  *"$nobody") fail 1 "$nobody: no kube-controller-manager runs here, so that no pod ever starts." \
    "What needs no pod is applied; running this again goes on from here." ;;
  esac
  end=$whole
}
roll_out() {
  persist "wait for Deployment $1/$2" kn "$1" rollout status "deployment/$2" --timeout="$(a_while)" ||
    stuck "Deployment $1/$2 is not available${3:-}"
  say "  $1/$2"
}

# An autoscaler with a least number of pods makes the second one itself, some seconds after the Deployment is available.
await_autoscaler() {
  persist "wait for the autoscaler" is_scaled "$1" "$2" ||
    stuck "HorizontalPodAutoscaler $1/$2 has not made its least number of pods"
  if [ -z "$said" ]; then return; fi
  say "  $said" # `NAME has 2 pods`
  roll_out "$1" "${said%% *}" " with the pods that its autoscaler made"
}
is_scaled() {
  scale=$(kn "$1" get horizontalpodautoscaler.autoscaling "$2" \
    -o jsonpath='{.spec.minReplicas} {.status.currentReplicas} {.spec.scaleTargetRef.name}') || return
  say "$scale" | awk '
    NF == 3 && $2 >= $1 { if ($1 > 1) print $3 " has " $2 " pods"; exit }
    $1 > 1 { print "timed out waiting for the autoscaler: " $NF " has fewer pods than " $1; exit 1 }'
}

await_address() {
  say "Wait for the ALB of Ingress $1/$2"
  persist "wait for the ALB" filled "no address yet for Ingress $1/$2" \
    kn "$1" get "$INGRESS_KIND" "$2" -o jsonpath='{.status.loadBalancer.ingress[0].hostname}' ||
    stuck "Ingress $1/$2 has no ALB"
  address=$said
  say "  $address"
}

# Without a domain of one's own, Knative names Services below the ALB's name, which no DNS resolves: callers send the
# Host header themselves. A name that somebody else chose stays.
set_domain() {
  domain=$DOMAIN
  if [ -n "$DOMAIN" ] || [ -z "$DOMAIN_NAMESPACE" ]; then return; fi
  must "read config-domain" kn "$DOMAIN_NAMESPACE" get configmap config-domain \
    -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}'
  theirs=$(say "$said" | sed '/^$/d; /^_example$/d') stale=
  for name in $theirs; do
    case $name in *.elb.*amazonaws.com*) stale="$stale\"$name\":null," ;; *) domain=$name ;; esac
  done
  if [ -n "$domain" ]; then
    note "config-domain names $domain, which is not of this render: it stays"
    return
  fi
  domain=$address
  if [ "$theirs" = "$address" ]; then return; fi
  must "set config-domain" kn "$DOMAIN_NAMESPACE" patch configmap config-domain --type merge \
    --patch "{\"data\":{$stale\"$address\":\"\"}}"
  say "config-domain is $address now"
}

say_how_to_call() {
  say ""
  if [ -n "$DOMAIN" ]; then say "Make a DNS record: *.$DOMAIN, an alias (or CNAME) of $address"; fi
  if [ -z "$domain" ]; then return; fi
  say "Call a Service \`hello\`, with or without that name in any DNS:"
  #if https
  say "  curl --connect-to ::$address: https://$EXAMPLE.$domain"
  #end
  #if http
  say "  curl -H 'Host: $EXAMPLE.$domain' http://$address"
  #end
}

#if gates
# The controller puts readiness gates on pods that start when it knows the Ingress, and the gateway's first ones are
# older. A restart, once, is enough; pods that have the gate are left alone.
gate_gateway() {
  must "look for readiness gates" any "${GATED%/*}" get pods --selector app="${GATED#*/}" -o go-template="$UNGATED"
  if [ -z "$said" ]; then return; fi
  say "Restart the gateway, whose pods started before there was an Ingress to gate them"
  must "restart the gateway" kn "${GATED%/*}" rollout restart "deployment/${GATED#*/}"
  roll_out "${GATED%/*}" "${GATED#*/}" " after its restart"
}
UNGATED='{{range .items}}{{if not .metadata.deletionTimestamp}}{{if not .spec.readinessGates}}
{{.metadata.name}}{{end}}{{end}}{{end}}'

#end
