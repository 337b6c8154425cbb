
# ---- Applying ----

# A webhook of the controller's that does not answer refuses every Service and every Ingress.
await_controller() {
  if [ -n "$CONTROLLER" ] && [ -z "$without_controller$no_controller" ]; then
    say "Wait for the load balancer controller"
    persist "wait for the load balancer controller" k wait deployments --all-namespaces --selector "app.kubernetes.io/name=$CONTROLLER" --for=condition=Available --timeout="$(a_while)" ||
      late "the Deployment of the load balancer controller is not available; \`kubectl describe pods -A -l app.kubernetes.io/name=$CONTROLLER\` says why"
  fi
  persist "look for the controller's webhook" k get mutatingwebhookconfigurations,validatingwebhookconfigurations -o jsonpath='{range .items[*]}{.metadata.name} {.webhooks[0].clientConfig.service.namespace} {.webhooks[0].clientConfig.service.name}{"\n"}{end}' ||
    late "the server does not answer"
  for service in $(printf '%s\n' "$said" | awk '$1 ~ /^aws-load-balancer/ && NF == 3 { print $2 "/" $3 }' | sort -u); do
    persist "wait for the controller's webhook" has_endpoint "${service%/*}" "${service#*/}" ||
      late "the webhook of the load balancer controller is configured, and Service $service has no ready pod behind it. It refuses every Service and Ingress until it has; where the controller is gone for good, delete the webhook configurations aws-load-balancer-*"
  done
}

has_endpoint() {
  # shellcheck disable=SC2016 # a template of kubectl's; JSONPath ends in an error on a slice that has no endpoints yet
  ready=$(k get endpointslices --namespace "$1" --selector "kubernetes.io/service-name=$2" -o go-template='{{range .items}}{{range .endpoints}}{{if .conditions.ready}}{{range .addresses}}{{.}} {{end}}{{end}}{{end}}{{end}}') || return 1
  [ -n "$ready" ] || {
    echo "no endpoints available for Service $1/$2"
    return 1
  }
}

# Before the new core, and only where a stored version goes: the API server refuses a CRD that lacks a version in which
# objects are still stored. The Job that brings them to the newest version otherwise comes after the new core, as Knative's
# documentation has it ("post-install"). The dry run also shows now what would be refused in the middle.
prepare_upgrade() {
  if [ -z "$running" ] || [ "$running" = "$KNATIVE" ]; then return; fi
  say "Ask the server what it would refuse"
  if said=$(dry=server && apply "$FIRST" ${NOT_LATER:+--selector "$NOT_LATER"} 2>&1); then return; fi
  refused=$(sort_out refused "$said")
  case $refused in
  '') return ;;
  *storedVersions*) ;;
  *)
    printf '%s\n' "$refused" >&2
    fail 3 "the server refuses this. Nothing was changed."
    ;;
  esac
  if [ -z "$MIGRATION" ]; then
    printf '%s\n' "$refused" >&2
    fail 3 "objects are stored in a version that the new CRDs do not have. Render with --with upgrade-jobs: its Job moves them first. Nothing was changed."
  fi
  say "Move stored objects to the version that stays"
  run_job "${MIGRATION%/*}" "${MIGRATION#*/}" --selector "$MIGRATION_ONLY"
  # It runs once more after the new core.
  persist "delete the Job" k delete job "${MIGRATION#*/}" --namespace "${MIGRATION%/*}" --ignore-not-found --wait=false || late "delete Job $MIGRATION"
}

# Whether a Job ended: `Complete`, `Failed`, or nothing.
job_state() { k get job "$2" --namespace "$1" --ignore-not-found -o jsonpath='{.status.conditions[?(@.status=="True")].type}'; }
job_is_over() {
  state=$(job_state "$1" "$2") || return 1
  case $state in
  *Complete* | *Failed*) printf '%s\n' "$state" ;;
  *)
    echo "timed out waiting for Job $1/$2"
    return 1
    ;;
  esac
}
# Applies Jobs (further arguments select them) and waits for one. A Job that failed is run anew. Client-side apply with
# --force deletes and makes anew a Job that was changed, since a Job cannot be.
run_job() {
  job_namespace=$1 job=$2
  shift 2
  persist "look for Job $job" job_state "$job_namespace" "$job" || late "Job $job"
  case $said in
  *Failed*) persist "delete the failed Job" k delete job "$job" --namespace "$job_namespace" --ignore-not-found || late "delete Job $job" ;;
  esac
  persist "apply Job $job" k apply --force -f "$folder/$FIRST" "$@" || late "apply Job $job"
  persist "wait for Job $job" job_is_over "$job_namespace" "$job" || {
    show_pods "$job_namespace" "job-name=$job"
    late "Job $job_namespace/$job is not done"
  }
  case $said in
  *Failed*)
    k logs "job/$job" --namespace "$job_namespace" --tail=20 >&2 || true
    fail 1 "Job $job_namespace/$job failed. Running this again runs it anew."
    ;;
  esac
}

apply_all() {
  await_controller
  prepare_upgrade
  record_plan
  if [ -n "$CONTROLLER_FILE" ]; then apply_batch "$CONTROLLER_FILE"; fi
  apply_batch "$FIRST" ${NOT_LATER:+--selector "$NOT_LATER"}
  crds=$(of_kind customresourcedefinition.apiextensions.k8s.io | awk '{ print "crd/" $2 }')
  if [ -n "$crds" ]; then
    say "Wait until the CRDs are established"
    # shellcheck disable=SC2086 # a word for each CRD
    persist "wait for the CRDs" k wait --for=condition=Established --timeout="$(a_while)" $crds || late "the CRDs are not established"
  fi
  new_kinds=yes
  if [ -n "$SECOND" ]; then
    # Where a webhook of the first batch has to let it pass, pods have to start, and somebody has to start them.
    apply "$SECOND" >/dev/null 2>&1 || await_attention
    apply_batch "$SECOND"
  fi
  new_kinds=
  # At once, whatever becomes of the waits; a webhook may still be down, and the Jobs for later are not there yet.
  is_recorded=
  if record attempt && [ -z "$LATER" ]; then is_recorded=yes; fi
  await_deployments
  await_webhooks
  await_jobs
  await_autoscalers
  if [ -z "$is_recorded" ]; then record persist || late "the inventory cannot be written"; fi
  if [ -n "$no_controller" ]; then
    fail 1 "everything is applied, and the Ingress has no ALB: $no_controller. Install the controller ($(how_to_install)) and run this again, or say --without-controller where that is meant."
  fi
  if [ -z "$without_controller" ]; then
    await_addresses
    gate_gateway
  fi
  if [ -n "$prune" ]; then prune; fi
}

# The controller puts readiness gates on pods that start when it knows the Ingress, and the gateway's first ones are older. A
# restart, once, is enough; pods that have the gate are left alone.
gate_gateway() {
  if [ -z "$GATED" ]; then return; fi
  persist "look for readiness gates" get_any pods --namespace "${GATED%/*}" --selector app="${GATED#*/}" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{if not .spec.readinessGates}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}' || late "the server does not answer"
  if [ -z "$said" ]; then return; fi
  say "Restart the gateway, whose pods started before there was an Ingress to gate them"
  persist "restart the gateway" k rollout restart "deployment/${GATED#*/}" --namespace "${GATED%/*}" || late "restart the gateway"
  persist "wait for the gateway" k rollout status "deployment/${GATED#*/}" --namespace "${GATED%/*}" --timeout="$(a_while)" || late "the gateway is not available"
}

apply_batch() {
  say "Apply $1"
  persist "apply $1" apply "$@" || {
    show_deployments
    late "apply $1"
  }
  show_applied
}

# Where nobody acts on Deployments at all, all waiting is in vain: kube-controller-manager notes within seconds that it saw one.
await_attention() {
  one=$(of_kind deployment.apps | head -n 1)
  if [ -z "$one" ]; then return; fi
  whole=$end
  end=$(($(date +%s) + 60))
  if [ "$end" -gt "$whole" ]; then end=$whole; fi
  # shellcheck disable=SC2086 # namespace and name
  persist "look at the first Deployment" is_seen $one || case $said in
  *"nobody looks at"*) fail 1 "nobody looks at Deployment ${one% *}/${one#* }: no kube-controller-manager runs here, so that no pod ever starts. What needs no pod is applied; running this again goes on from here." ;;
  esac
  end=$whole
}
is_seen() {
  seen=$(k get deployment "$2" --namespace "$1" -o jsonpath='{.status.observedGeneration}') || return 1
  [ -n "$seen" ] || {
    echo "timed out waiting for its status: nobody looks at Deployment $1/$2"
    return 1
  }
}

await_deployments() {
  say "Wait for the Deployments; on Fargate a first pod takes more than a minute"
  await_attention
  while read -r namespace name; do
    if [ -z "$name" ]; then continue; fi
    persist "wait for Deployment $namespace/$name" k rollout status "deployment/$name" --namespace "$(namespace_of "$namespace")" --timeout="$(a_while)" || {
      show_deployments
      late "Deployment $namespace/$name is not available"
    }
    say "  $namespace/$name"
  done <<END
$(of_kind deployment.apps)
END
}

# An autoscaler with a least number of pods makes the second one by itself, some seconds after the Deployment is available.
await_autoscalers() {
  while read -r namespace name; do
    if [ -z "$name" ]; then continue; fi
    persist "wait for the autoscaler" is_scaled "$namespace" "$name" || late "HorizontalPodAutoscaler $namespace/$name has not made its least number of pods"
    if [ -z "$said" ]; then continue; fi
    say "  $said"
    scaled=${said%% has *}
    persist "wait for its pods" k rollout status "deployment/$scaled" --namespace "$namespace" --timeout="$(a_while)" || {
      show_deployments
      late "Deployment $namespace/$scaled is not available with the pods that its autoscaler made"
    }
  done <<END
$(of_kind horizontalpodautoscaler.autoscaling)
END
}
# Says how many pods there are, where that is more than one.
is_scaled() {
  scale=$(k get horizontalpodautoscaler.autoscaling "$2" --namespace "$1" -o jsonpath='{.spec.minReplicas} {.status.currentReplicas} {.spec.scaleTargetRef.name}') || return 1
  printf '%s\n' "$scale" | awk '
    NF == 3 && $2 >= $1 { if ($1 > 1) print $3 " has " $2 " pods"; exit }
    $1 > 1 { print "timed out waiting for the autoscaler: " $NF " has fewer pods than " $1; exit 1 }'
}

await_webhooks() {
  while read -r namespace name; do
    if [ -z "$name" ]; then continue; fi
    persist "wait for the webhook" has_endpoint "$namespace" "$name" || late "Service $namespace/$name has no ready pod behind it, so that its webhook answers nobody"
  done <<END
$(webhooks)
END
}

await_jobs() {
  while read -r namespace name; do
    if [ -z "$name" ]; then continue; fi
    say "Run Job $namespace/$name"
    run_job "$namespace" "$name" --selector "$LATER"
  done <<END
$(upgrade_jobs)
END
}

address_of() {
  address=$(k get "$INGRESS_KIND" "$2" --namespace "$1" -o jsonpath='{.status.loadBalancer.ingress[0].hostname}') || return 1
  [ -n "$address" ] || {
    echo "no address yet for Ingress $1/$2"
    return 1
  }
  printf '%s\n' "$address"
}
await_addresses() {
  address=
  while read -r namespace name; do
    if [ -z "$name" ]; then continue; fi
    say "Wait for the ALB of Ingress $namespace/$name"
    persist "wait for the ALB" address_of "$namespace" "$name" || {
      show_ingress "$namespace" "$name"
      late "Ingress $namespace/$name has no ALB"
    }
    address=$said
    say "  $address"
  done <<END
$(of_kind "$INGRESS_KIND")
END
  if [ -n "$address" ]; then
    set_domain
    say_how_to_call
  fi
}

# Without a domain of one's own, Knative names Services below the ALB's name, which no DNS resolves: callers send the
# Host header themselves. A name that somebody else chose stays.
set_domain() {
  if [ -n "$DOMAIN" ] || [ -z "$DOMAIN_NAMESPACE" ]; then return; fi
  # shellcheck disable=SC2016 # a template of kubectl's
  persist "read config-domain" k get configmap config-domain --namespace "$DOMAIN_NAMESPACE" -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}' || late "config-domain cannot be read"
  theirs=$(printf '%s\n' "$said" | sed '/^$/d; /^_example$/d')
  if [ "$theirs" = "$address" ]; then
    domain=$address
    return
  fi
  stale=
  for name in $theirs; do
    case $name in
    *.elb.*amazonaws.com*) stale="$stale\"$name\":null," ;;
    *)
      domain=$name
      note "config-domain names $name, which is not of this render: it stays"
      return
      ;;
    esac
  done
  persist "set config-domain" k patch configmap config-domain --namespace "$DOMAIN_NAMESPACE" --type merge --patch "{\"data\":{$stale\"$address\":\"\"}}" || late "config-domain cannot be set"
  domain=$address
  say "config-domain is $address now"
}

say_how_to_call() {
  say ""
  if [ -n "$DOMAIN" ]; then
    say "Make a DNS record: *.$DOMAIN, an alias (or CNAME) of $address"
    domain=$DOMAIN
  fi
  if [ -z "$domain" ]; then return; fi
  say "Call a Service \`hello\`, with or without that name in any DNS:"
  if [ "$SCHEME" = https ]; then
    say "  curl --connect-to ::$address: https://$EXAMPLE.$domain"
  else
    say "  curl -H 'Host: $EXAMPLE.$domain' http://$address"
  fi
}

# Shows what would be done.
rehearse() {
  dry=server
  while read -r _ name; do
    if [ -z "$name" ]; then continue; fi
    ask "look for namespace $name" k get namespace "$name" --ignore-not-found -o name
    [ -n "$said" ] || dry=client
  done <<END
$(of_kind namespace)
END
  if [ "$dry" = client ]; then
    note "namespaces of this render are missing, so that the server cannot judge what goes into them; kubectl alone looks"
  fi
  for file in $CONTROLLER_FILE $FIRST; do
    say "Would apply $file"
    ask "try $file" apply "$file"
    show_applied
  done
  if [ -n "$SECOND" ]; then
    say "Would wait for the CRDs and apply $SECOND"
    missing=
    while read -r _ name; do
      if [ -z "$name" ]; then continue; fi
      ask "look for CRD $name" k get crd "$name" --ignore-not-found -o name
      [ -n "$said" ] || missing=$name
    done <<END
$(of_kind customresourcedefinition.apiextensions.k8s.io)
END
    if [ -n "$missing" ]; then
      note "it cannot be tried before its CRDs are there ($missing is not)"
    else
      ask "try $SECOND" apply "$SECOND"
      show_applied
    fi
  fi
  say "Would wait, $WAIT seconds at the most, for"
  of_kind deployment.apps | awk '{ print "  Deployment " $1 "/" $2 }'
  webhooks | awk '{ print "  an endpoint of Service " $1 "/" $2 }'
  upgrade_jobs | awk '{ print "  Job " $1 "/" $2 }'
  of_kind "$INGRESS_KIND" | awk '{ print "  the ALB of Ingress " $1 "/" $2 }'
  if [ -z "$DOMAIN" ] && [ -n "$DOMAIN_NAMESPACE" ]; then say "Would set config-domain to the ALB's name"; fi
}
