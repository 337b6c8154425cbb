# ---- --prune: what earlier renders brought, and this one does not have ----

# The inventory is a ConfigMap beside Knative: a line for each object that was applied from here and not pruned since,
# with kind, namespace (`-`: none), name and uid (`-`: it may have been applied). Why so: docs/prune.md of knrender.

# Sets $recorded to the lines of this render's inventory, $others to those of other renders with its name at the end.
# $home is empty where no inventory can be kept. Lines that no apply.sh wrote are passed over.
read_inventories() {
  recorded='' others='' inventory="knrender-inventory.$inventory_name"
  home=$(of_kind namespace | awk 'NR == 1 || $2 == "knative-serving" { home = $2 } END { print home }')
  if [ -z "$home" ]; then
    [ -z "$prune" ] || note "this render has no Namespace to keep an inventory in: nothing is pruned"
    return
  fi
  must "read the inventory" unless "(Forbidden)" \
    kn "$home" get configmaps --selector app.kubernetes.io/managed-by=knrender -o go-template="$INVENTORIES"
  if say "$said" | grep -qF "(Forbidden)"; then
    forbidden="you may not list the ConfigMaps of namespace $home"
    [ -z "$prune" ] || stop "$forbidden, one of which is the inventory."
    note "$forbidden: no inventory is kept, and a later --prune will not know of this run"
    home=
    return
  fi
  all=$(say "$said" | awk '
    $1 == "inventory" { name = $2; next }
    NF == 4 && $1 ~ /^[a-z][a-z0-9.-]*$/ && $2 ~ /^(-|[a-z0-9][a-z0-9.-]*)$/ &&
      $3 ~ /^[A-Za-z0-9][A-Za-z0-9._:-]*$/ && $4 ~ /^[0-9a-z-]+$/ { print name, $0 }')
  recorded=$(say "$all" | awk -v own="$inventory" '$1 == own { print $2, $3, $4, $5 }')
  others=$(say "$all" | awk -v own="$inventory" 'NF && $1 != own { sub(/^[^.]*\./, "", $1); print $2, $3, $4, $1 }')
  [ -z "$prune" ] || [ -n "$recorded" ] ||
    note "there is no inventory \`$inventory_name\` in this cluster: what earlier renders brought is not known," \
      "and nothing is pruned. This run begins one. \`knrender doctor\` lists what an older knrender left."
}
INVENTORIES='{{range .items}}
inventory {{.metadata.name}}
{{.data.objects}}{{end}}'

# Lists of objects: a line for each (kind, namespace, name), or for those of one place (kind, namespace, names).
by_object() { awk '{ for (i = 3; i <= NF; i++) print $1, $2, $i }'; }
by_place() {
  by_object | awk '
    $1 " " $2 != place { if (place) print place names; place = $1 " " $2; names = "" }
    { names = names " " $3 }
    END { if (place) print place names }'
}
in_render() { objects | by_object; }
# The lines of $1 whose object is in $2, each with the rest of its line there; with a third argument those whose object
# is not. A kind that moved from one API group to another is the same.
match_lines() {
  printf '%s\n=\n%s\n' "$2" "$1" | awk -v no="${3:-}" '
    function key(  kind) { kind = $1; sub(MOVED, "", kind); return kind " " $2 " " $3 }
    BEGIN { MOVED = "[.](extensions|apps|policy|networking[.]k8s[.]io)$" }
    $0 == "=" { second = 1; next }
    NF < 3 { next }
    !second { rest = $0; sub(/^[^ ]* [^ ]* [^ ]*/, "", rest); there[key()] = rest; next }
    no != "" && !(key() in there)
    no == "" && key() in there { print $0 there[key()] }'
}
# From apiVersion, kind, namespace, name and more to a line of the inventory.
as_lines() {
  awk 'NF > 3 { group = sub(/\/.*/, "", $1) ? "." $1 : ""; $2 = tolower($2) group; $1 = ""; print substr($0, 2) }'
}

# Sets $left to what is recorded and not of this render, $goes to what of it may be deleted and $stays to what may not,
# with the reason at the end of each line. What is in none of the two is gone.
look_for_left_over() {
  goes='' stays='' left=$(match_lines "$recorded" "$(in_render)" not)
  if [ -z "$left" ]; then return; fi
  if [ -n "$begun$prune" ]; then
    must "look at what earlier renders left" live
  elif ! attempt "" live; then
    note "what earlier renders left cannot be looked at: $(say "$said" | tail -n 1)"
    return
  fi
  each judge "$(match_lines "$left" "$said")"
}
# What is in the cluster of $left: kind, namespace, name, uid, the owner that controls it, labels and annotations.
live() {
  alive=$(each live_in "$(say "$left" | by_place)") || not_yet "$(say "$alive" | tail -n 1)" || return
  say "$alive"
}
live_in() {
  kind=$1 namespace=$2
  shift 2
  found=$(any "$namespace" get "$kind" "$@" --ignore-not-found -o go-template="$STATE") || not_yet "$found" || return
  say "$found" | awk -v place="$kind $namespace" 'NF { print place, $0 }'
}
STATE='{{define "it"}}{{if .metadata.uid}}
{{.metadata.name}} {{.metadata.uid}}
{{- range .metadata.ownerReferences}}{{if .controller}} owner={{.kind}}/{{.name}}{{end}}{{end}}
{{- range $key, $value := .metadata.labels}} {{$key}}={{$value}}{{end}}
{{- range $key, $value := .metadata.annotations}} {{$key}}={{end}}{{end}}{{end}}
{{- if .items}}{{range .items}}{{template "it" .}}{{end}}{{else}}{{template "it" .}}{{end}}'
# The marks by which Helm, Argo CD, Flux, kapp, kubectl and Config Sync say that an object is theirs.
THEIRS='^(owner|meta[.]helm[.]sh/release-name|argocd[.]argoproj[.]io/tracking-id|kapp[.]k14s[.]io/app)=
^((kustomize|helm)[.]toolkit[.]fluxcd[.]io/name|applyset[.]kubernetes[.]io/part-of)=
^(app[.]kubernetes[.]io/managed-by=Helm$|config[.]k8s[.]io/owning-inventory=)'
# As `live` has them, with the uid that is recorded before the one that it has.
judge() {
  kind=$1 namespace=$2 name=$3 why=
  mark=$(printf '%s\n' "$@" | sed 1,5d | grep -E "$THEIRS" | head -n 1) || mark=
  other=$(match_lines "$kind $namespace $name" "$others" | awk '{ print $4 }')
  if [ "$4" = - ]; then
    why="a run that was to apply it did not end, so that it may be somebody else's"
  elif [ "$4" != "$5" ]; then
    why="somebody made it anew, so that it is not what was applied"
  elif [ -n "$mark" ]; then
    why="somebody else looks after it now ($mark)"
  elif [ -n "$other" ]; then
    why="the render with the inventory \`$other\` brought it too"
  else
    case $kind in
    namespace) needs_word --prune-namespaces ;;
    customresourcedefinition.*) needs_word --prune-crds ;;
    esac
  fi
  if [ -z "$why" ]; then goes=$(lines "$goes" "$kind $namespace $name"); return; fi
  stays=$(lines "$stays" "$kind $namespace $name $why")
}
# Why a Namespace or a CRD stays; nothing where it goes.
needs_word() {
  why="$1 deletes it, where nothing of others is in it"
  case $prune in *"$1"*) ;; *) return ;; esac
  must "look for what $kind $name holds" held_by "$kind" "$name"
  why=$(say "$said" | awk '
    NF && ++n < 4 { list = list (n > 1 ? ", " : "") $1 " " ($2 == "-" ? "" : $2 "/") $3 }
    END { if (n) print "it holds what this did not bring: " list (n > 3 ? " and " n - 3 " more" : "") }')
}
# What lies in a Namespace or is of a CRD's kind, is not in the inventory, and not kept there by Kubernetes or for
# another object.
held_by() {
  if [ "$1" = namespace ]; then
    kinds=$(k api-resources --verbs=list,delete --namespaced=true -o name 2>&1) || not_yet "$kinds" || return
    set -- "$(say "$kinds" | without_noise | paste -sd, -)" --namespace "$2"
  else
    set -- "$2" --all-namespaces
  fi
  held=$(any - get "$@" -o go-template="$UNOWNED") || not_yet "$held" || return
  held=$(say "$held" | as_lines | grep -Ev "$KEPT") || held=
  match_lines "$held" "$recorded" not
}
UNOWNED='{{range .items}}{{if not .metadata.ownerReferences}}
{{.apiVersion}} {{.kind}} {{or .metadata.namespace "-"}} {{.metadata.name}}{{end}}{{end}}'
KEPT='^(event|endpoints|lease|endpointslice|podmetrics)[. ]
^configmap [^ ]* (kube-root-ca\.crt|knrender-inventory\..*)$
^serviceaccount [^ ]* default$'

# For people.
show_lines() { sed '/^$/d; s|^\([^ ]*\) \([^ ]*\) \([^ ]*\)|  \1 \2/\3:|; s| -/| |; s|:$||'; }
at_most() { awk -v most="$1" 'NR <= most; END { if (NR > most) print "  and " NR - most " more" }'; }
show_left_over() {
  if [ -n "$goes" ]; then
    say "An earlier render brought these, and this one does not have them:"
    if [ -n "$prune" ]; then
      say "$goes" | show_lines
    else
      say "$goes" | show_lines | at_most 5
      if [ -n "$delete" ]; then say "  they stay, and with --prune they go too"; fi
      if [ -z "$delete" ]; then say "  \`sh apply.sh --prune\` shows and deletes them"; fi
    fi
    if say "$goes" | grep -q '^ingress\.'; then
      say "  With an Ingress go its ALB and the name of it, which no DNS record may need any more."
    fi
  fi
  if [ -n "$stays" ] && [ -n "$prune" ]; then
    say "These stay, though this render does not have them:"
    say "$stays" | show_lines
  fi
}

# When all is applied: with the uids that it has. What earlier renders left stays recorded.
record() {
  if [ -z "$home" ]; then return; fi
  "$1" "look at what is applied" applied || return
  keep "$1" "$(lines "$(match_lines "$recorded" "$(in_render)" not)" "$said")"
}
applied() {
  set --
  for file in $CONTROLLER_FILE $FIRST $SECOND; do set -- "$@" -f "$folder/$file"; done
  found=$(k get "$@" --ignore-not-found -o go-template="$APPLIED" 2>&1) || not_yet "$found" || return
  say "$found" | without_noise | as_lines
}
APPLIED='{{range .items}}
{{.apiVersion}} {{.kind}} {{or .metadata.namespace "-"}} {{.metadata.name}} {{.metadata.uid}}{{end}}'
# How (`persist`, `attempt`), and the lines that the inventory is to hold.
keep() {
  if [ -z "$home" ] || [ "$2" = "$recorded" ]; then return; fi
  "$1" "write the inventory" unless "(Forbidden)" write_inventory "$2" || return
  recorded=$2
  case $said in *"(Forbidden)"*) ;; *) return ;; esac
  note "the inventory is not written, and a later --prune will not know of this run: $said"
  home=
}
write_inventory() {
  tell apply --server-side --force-conflicts --field-manager=knrender -f - <<END
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
$(say "$1" | sed 's/^/    /')
END
}

prune() {
  if [ -z "$recorded" ]; then return; fi
  look_for_left_over
  if [ -n "$goes" ]; then
    say "Delete what earlier renders left"
    list=$(say "$goes" | by_place)
    delete_list
  fi
  # What is deleted, gone or somebody else's is not ours any more; a CRD or a Namespace that waits for its word is.
  waiting=$(say "$stays" | grep -E ' --prune-[a-z]+ deletes it,| it holds what this | inventory `') || waiting=
  waiting=$(match_lines "$left" "$waiting" | cut -d' ' -f1-4)
  keep persist "$(lines "$waiting" "$(match_lines "$recorded" "$left" not)")" ||
    late "the inventory cannot be written"
}

