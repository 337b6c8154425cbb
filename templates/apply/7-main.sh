
# ---- What was asked for ----

# From here on something is changed.
begin() {
  begun=yes
  start_clock "$WAIT"
}

main() {
  yes='' dry_run='' delete='' context='' context_is_given='' without_controller='' no_controller='' dry='' begun=''
  case $WAIT in
  '' | *[!0-9]*) fail 2 "KNRENDER_WAIT is \`$WAIT\`, which is not a number of seconds" ;;
  esac
  # Between two looks, one second to five.
  PAUSE=$((WAIT / 60))
  if [ "$PAUSE" -gt 5 ]; then PAUSE=5; elif [ "$PAUSE" -lt 1 ]; then PAUSE=1; fi
  while [ $# -gt 0 ]; do
    case $1 in
    --yes) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --delete) delete=1 ;;
    --without-controller) without_controller=1 ;;
    --context)
      [ $# -gt 1 ] || fail 2 "--context takes a name; --help lists the options"
      context=$2 context_is_given=1
      shift
      ;;
    --context=*) context=${1#*=} context_is_given=1 ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail 2 "\`$1\` is not an option; --help lists them" ;;
    esac
    shift
  done
  if [ -z "$yes$dry_run" ] && [ ! -t 0 ]; then
    fail 2 "there is no terminal to ask at; --yes asks nothing, --dry-run changes nothing"
  fi
  folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  trap 'fail 130 "interrupted. Running this again goes on from here."' HUP INT TERM
  choose_context
  # A minute for a server that restarts; one that cannot be reached from here is not waited for longer.
  if [ "$WAIT" -gt 60 ]; then start_clock 60; else start_clock "$WAIT"; fi
  check_server
  if [ -n "$delete" ]; then
    check_protection
    warn_of_loss
    confirm "Delete all of this render from this cluster?"
    begin
    delete_everything
    say "Done."
    return
  fi
  check_knative
  check_controller
  check_fargate
  check_metrics
  if [ -n "$dry_run" ]; then
    rehearse
    return
  fi
  confirm "Apply to this cluster?"
  begin
  apply_all
  say "Done."
}

main "$@"
