
# ---- What earlier renders brought, and this one does not have ----

# The inventory is a ConfigMap beside Knative: a line for each object that was applied from here and not pruned since, with
# kind, namespace (`-`: none), name and uid (`-`: it may have been applied). Why it is kept so: docs/prune.md of knrender.

# Sets $recorded to the lines of this render's inventory, $others to those of other renders with its name at the end. $home
# is empty where no inventory can be kept. Lines that no apply.sh wrote are passed over.
read_inventories() {
  recorded='' others='' inventory="knrender-inventory.$inventory_name"
  home=$(of_kind namespace | awk 'NR == 1 || $2 == "knative-serving" { home = $2 } END { print home }')
  if [ -z "$home" ]; then
    [ -z "$prune" ] || note "this render has no Namespace to keep an inventory in: nothing is pruned"
    return
  fi
  ask "read the inventory" inventories
  if [ "$said" = forbidden ]; then
    [ -z "$prune" ] || fail 3 "you may not list the ConfigMaps of namespace $home, one of which is the inventory. Nothing was changed."
    note "you may not list the ConfigMaps of namespace $home: no inventory is kept, and a later --prune will not know of this run"
    home=
    return
  fi
  all=$(printf '%s\n' "$said" | awk '
    $1 == "inventory" { name = $2; next }
    NF == 4 && $1 ~ /^[a-z][a-z0-9.-]*$/ && $2 ~ /^(-|[a-z0-9][a-z0-9.-]*)$/ && $3 ~ /^[A-Za-z0-9][A-Za-z0-9._:-]*$/ && $4 ~ /^[0-9a-z-]+$/ { print name, $0 }')
  recorded=$(printf '%s\n' "$all" | awk -v own="$inventory" '$1 == own { print $2, $3, $4, $5 }')
  others=$(printf '%s\n' "$all" | awk -v own="$inventory" 'NF && $1 != own { sub(/^[^.]*\./, "", $1); print $2, $3, $4, $1 }')
  if [ -n "$prune" ] && [ -z "$recorded" ]; then
    note "there is no inventory \`$inventory_name\` in this cluster: what earlier renders brought is not known, and nothing is pruned. This run begins one. \`knrender doctor\` lists what an older knrender left."
  fi
}
inventories() {
  # shellcheck disable=SC2016 # a template of kubectl's
  got=$(k get configmaps --namespace "$home" --selector app.kubernetes.io/managed-by=knrender -o go-template='{{range .items}}inventory {{.metadata.name}}{{"\n"}}{{.data.objects}}{{"\n"}}{{end}}' 2>&1) || case $got in
  *"(Forbidden)"*) got=forbidden ;;
  *)
    printf '%s\n' "$got"
    return 1
    ;;
  esac
  printf '%s\n' "$got" | without_noise
}

# All objects of this render, a line for each.
in_render() { objects | awk '{ for (i = 3; i <= NF; i++) print $1, $2, $i }'; }
# The lines of $1 whose object is in $2, each with the rest of its line there; with a third argument those whose object is
# not. A kind that moved from one API group to another is the same.
match_lines() {
  printf '%s\n=\n%s\n' "$2" "$1" | awk -v no="${3:-}" '
    function key(  kind) { kind = $1; sub(/\.(extensions|apps|policy|networking\.k8s\.io)$/, "", kind); return kind " " $2 " " $3 }
    $0 == "=" { second = 1; next }
    NF < 3 { next }
    !second { rest = $0; sub(/^[^ ]* [^ ]* [^ ]*/, "", rest); there[key()] = rest; next }
    no != "" && !(key() in there)
    no == "" && key() in there { print $0 there[key()] }'
}
# The same objects with those of one place together: kind, namespace, names.
by_place() {
  awk 'NF > 2 { if ($1 " " $2 != place) { if (place) print place names; place = $1 " " $2; names = "" } names = names " " $3 } END { if (place) print place names }'
}

# What is in the cluster of some lines: kind, namespace, name, uid, labels and annotations. An owner is one that controls it:
# Knative makes its namespace own its webhooks, and does not mean that.
# shellcheck disable=SC2016 # a template of kubectl's
STATE='{{define "it"}}{{if .metadata.uid}}{{.metadata.name}} {{.metadata.uid}}{{range .metadata.ownerReferences}}{{if .controller}} owner={{.kind}}/{{.name}}{{end}}{{end}}{{range $key, $value := .metadata.labels}} {{$key}}={{$value}}{{end}}{{range $key, $value := .metadata.annotations}} {{$key}}={{end}}{{"\n"}}{{end}}{{end}}{{if .items}}{{range .items}}{{template "it" .}}{{end}}{{else}}{{template "it" .}}{{end}}'
live() {
  while read -r kind namespace names; do
    if [ -z "$kind" ]; then continue; fi
    # shellcheck disable=SC2086 # a word for each name
    found=$(get_any "$kind" $names --namespace "$(namespace_of "$namespace")" --ignore-not-found -o go-template="$STATE") || {
      printf '%s\n' "$found"
      return 1
    }
    printf '%s\n' "$found" | awk -v place="$kind $namespace" 'NF { print place, $0 }'
  done <<END
$(printf '%s\n' "$1" | by_place)
END
}
# The marks by which Helm, Argo CD, Flux, kapp, kubectl and Config Sync say that an object is theirs.
THEIRS='^owner=|^meta\.helm\.sh/release-name=|^app\.kubernetes\.io/managed-by=Helm$|^argocd\.argoproj\.io/tracking-id=|^(kustomize|helm)\.toolkit\.fluxcd\.io/name=|^kapp\.k14s\.io/app=|^applyset\.kubernetes\.io/part-of=|^config\.k8s\.io/owning-inventory='

# What lies in a Namespace, or is of a CRD's kind, and is not in the inventory: less what something else there owns, what
# every namespace has, and what Kubernetes and controllers keep beside an object without saying whose it is.
held_by() {
  if [ "$1" = namespace ]; then
    held=$(k api-resources --verbs=list,delete --namespaced=true -o name 2>&1) || {
      printf '%s\n' "$held"
      return 1
    }
    set -- "$(printf '%s\n' "$held" | without_noise | paste -sd, -)" --namespace "$2"
  else
    set -- "$2" --all-namespaces
  fi
  # shellcheck disable=SC2016 # a template of kubectl's
  held=$(get_any "$@" -o go-template='{{range .items}}{{if not .metadata.ownerReferences}}{{.apiVersion}} {{.kind}} {{with .metadata.namespace}}{{.}}{{else}}-{{end}} {{.metadata.name}}{{"\n"}}{{end}}{{end}}') || {
    printf '%s\n' "$held"
    return 1
  }
  held=$(printf '%s\n' "$held" | as_lines |
    grep -Ev '^(event|endpoints|lease|endpointslice|podmetrics)[. ]|^configmap [^ ]* (kube-root-ca\.crt|knrender-inventory\..*)$|^serviceaccount [^ ]* default$') || held=
  match_lines "$held" "$recorded" not
}
# From apiVersion, kind, namespace, name and more to a line of the inventory.
as_lines() { awk 'NF > 3 { group = $1; if (!sub(/\/.*/, "", group)) group = ""; $1 = tolower($2) (group == "" ? "" : "." group); $2 = ""; sub(/  /, " "); print }'; }

# Sets $left to what is recorded and not of this render, $goes to what of it may be deleted and $stays to what may not, with
# the reason at the end of each line. What is in none of the two is gone.
look_for_left_over() {
  goes='' stays='' left=$(match_lines "$recorded" "$(in_render)" not)
  if [ -z "$left" ]; then return; fi
  $1 "look at what earlier renders left" live "$left" || late "the server does not answer"
  there=$said
  while read -r kind namespace name uid its_uid marks; do
    if [ -z "$kind" ]; then continue; fi
    mark=$(printf '%s\n' "$marks" | tr ' ' '\n' | grep -E "$THEIRS" | head -n 1) || mark=
    other=$(match_lines "$kind $namespace $name" "$others" | awk '{ print $4 }')
    why=
    if [ "$uid" = - ]; then
      why="a run that was to apply it did not end, so that it may be somebody else's"
    elif [ "$uid" != "$its_uid" ]; then
      why="somebody made it anew, so that it is not what was applied"
    elif [ -n "$mark" ]; then
      why="somebody else looks after it now ($mark)"
    elif [ -n "$other" ]; then
      why="the render with the inventory \`$other\` brought it too"
    else
      case $kind in
      namespace) why=$(needs_word --prune-namespaces "$1") || exit ;;
      customresourcedefinition.*) why=$(needs_word --prune-crds "$1") || exit ;;
      esac
    fi
    if [ -z "$why" ]; then
      goes="$goes$kind $namespace $name
"
    else
      stays="$stays$kind $namespace $name $why
"
    fi
  done <<END
$(match_lines "$left" "$there")
END
}
# Why a Namespace or a CRD stays; nothing where it goes.
needs_word() {
  case $prune in
  *"$1"*) ;;
  *)
    say "$1 deletes it, where nothing of others is in it"
    return
    ;;
  esac
  $2 "look for what $kind $name holds" held_by "$kind" "$name" >&2 || late "the server does not answer"
  printf '%s\n' "$said" | awk 'NF { if (++n < 4) list = list (n > 1 ? ", " : "") $1 " " ($2 == "-" ? "" : $2 "/") $3 } END { if (n) print "it holds what this did not bring: " list (n > 3 ? " and " n - 3 " more" : "") }'
}

# For people: kind, namespace/name, and why.
show_lines() { awk 'NF { what = $1 " " ($2 == "-" ? "" : $2 "/") $3; $1 = $2 = $3 = ""; sub(/^ */, ""); print "  " what ($0 == "" ? "" : ": " $0) }'; }
show_left_over() {
  if [ -n "$goes" ]; then
    then="\`sh apply.sh --prune\` shows and deletes them"
    if [ -n "$delete" ]; then then="they stay, and with --prune they go too"; fi
    say "An earlier render brought these, and this one does not have them:"
    if [ -n "$prune" ]; then
      printf '%s' "$goes" | show_lines
    else
      printf '%s' "$goes" | show_lines | awk 'NR < 6; END { if (NR > 5) print "  and " NR - 5 " more" }'
      say "  $then"
    fi
    case $goes in
    ingress.* | *"
ingress."*) say "  With an Ingress go its ALB and the name of it, which no DNS record may need any more." ;;
    esac
  fi
  if [ -n "$stays" ] && [ -n "$prune" ]; then
    say "These stay, though this render does not have them:"
    printf '%s' "$stays" | show_lines
  fi
}

# Makes the inventory hold some lines: how (`persist`, `attempt`), and the lines.
keep() {
  if [ -z "$home" ] || [ "$2" = "$recorded" ]; then return; fi
  "$1" "write the inventory" write_inventory "$2" || return 1
  recorded=$2
  case $said in
  *"(Forbidden)"*)
    note "the inventory is not written, and a later --prune will not know of this run: $said"
    home=
    ;;
  esac
}
write_inventory() {
  written=$(kubectl --context "$context" --request-timeout=60s apply --server-side --force-conflicts --field-manager=knrender -f - 2>&1 <<END
apiVersion: v1
kind: ConfigMap
metadata:
  name: $inventory
  namespace: $home
  labels:
    app.kubernetes.io/managed-by: knrender
  annotations:
    kubernetes.io/description: What apply.sh brought and its --prune may delete.
data:
  objects: |
$(printf '%s\n' "$1" | sed 's/^/    /')
END
) || case $written in
  *"(Forbidden)"*) ;;
  *)
    printf '%s\n' "$written"
    return 1
    ;;
  esac
  printf '%s\n' "$written"
}
lines() { printf '%s\n' "$@" | sed '/^$/d'; }
# Before anything is applied: what may be there from now on. A first run has no namespace for it yet.
record_plan() {
  keep attempt "$(lines "$recorded" "$(match_lines "$(in_render)" "$recorded" not | sed 's/$/ -/')")" || true
}
# When all is applied: with the uids that it has. What earlier renders left stays recorded.
record() {
  if [ -z "$home" ]; then return; fi
  "$1" "look at what is applied" applied || return 1
  keep "$1" "$(lines "$(match_lines "$recorded" "$(in_render)" not)" "$said")"
}
applied() {
  set --
  for file in $CONTROLLER_FILE $FIRST $SECOND; do set -- "$@" -f "$folder/$file"; done
  # shellcheck disable=SC2016 # a template of kubectl's
  found=$(k get "$@" --ignore-not-found -o go-template='{{range .items}}{{.apiVersion}} {{.kind}} {{with .metadata.namespace}}{{.}}{{else}}-{{end}} {{.metadata.name}} {{.metadata.uid}}{{"\n"}}{{end}}' 2>&1) || {
    printf '%s\n' "$found"
    return 1
  }
  printf '%s\n' "$found" | without_noise | as_lines
}

prune() {
  if [ -z "$recorded" ]; then return; fi
  look_for_left_over persist
  if [ -n "$goes" ]; then
    say "Delete what earlier renders left"
    list=$(printf '%s' "$goes" | by_place)
    delete_list
    await_gone rest
  fi
  # What is deleted, gone or somebody else's is not ours any more; a CRD or a Namespace that waits for its word is.
  waiting=$(printf '%s' "$stays" | grep -E ' --prune-[a-z]+ deletes it,| it holds what this | inventory `') || waiting=
  waiting=$(match_lines "$left" "$waiting" | cut -d' ' -f1-4)
  keep persist "$(lines "$waiting" "$(match_lines "$recorded" "$left" not)")" || late "the inventory cannot be written"
}
