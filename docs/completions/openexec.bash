# bash completion for openexec. Put it where your bash looks, or:
# source <(openexec completion bash)
_openexec() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command=${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "serve keygen request approve propose pending withdraw review decide exec show list actions status verify checkpoint halt resume revoke resolve prune audit export backup restore pin test-action doctor mcp completion help --help --version" -- "$current"))
    return
  fi
  case "$command $previous" in
    "serve --mode") words="enforced demo" ;;
    "resolve --as") words="succeeded failed" ;;
  esac
  [ -n "$words" ] || case "$command $current" in
    "serve -"*) words="--json --config --state --socket --mode --help" ;;
    "keygen -"*) words="--json --ssh --keyid --name --help" ;;
    "request -"*) words="--json --nonce --help" ;;
    "approve -"*) words="--json --socket --config --key --ssh --keyid --ttl --iss --aud --sub --tenant --uses --handler-digest --replace --out --anyway --yes --help" ;;
    "propose -"*) words="--json --socket --config --reason --nonce --wait --help" ;;
    "pending -"*) words="--json --socket --config --review --admin --help" ;;
    "withdraw -"*) words="--json --socket --config --help" ;;
    "review -"*) words="--json --socket --config --key --ssh --keyid --iss --web --help" ;;
    "decide -"*) words="--json --socket --config --approve --decline --reason --key --ssh --keyid --iss --ttl --yes --help" ;;
    "exec -"*) words="--json --socket --config --help" ;;
    "show -"*) words="--json --socket --config --admin --help" ;;
    "list -"*) words="--json --socket --config --limit --before --admin --help" ;;
    "actions -"*) words="--json --socket --config --help" ;;
    "status -"*) words="--json --socket --config --watch --interval --help" ;;
    "verify -"*) words="--json --socket --config --executor-key --executor-id --checkpoint --proof --witness --payload --result --offline --help" ;;
    "checkpoint -"*) words="--json --socket --config --help" ;;
    "halt -"*) words="--json --socket --config --help" ;;
    "resume -"*) words="--json --socket --config --help" ;;
    "revoke -"*) words="--json --socket --config --help" ;;
    "resolve -"*) words="--json --socket --config --as --note --help" ;;
    "prune -"*) words="--json --socket --config --help" ;;
    "audit -"*) words="--json --state --config --executor-key --checkpoint --help" ;;
    "export -"*) words="--json --state --config --socket --checkpoint --help" ;;
    "backup -"*) words="--json --socket --config --state --help" ;;
    "restore -"*) words="--json --state --config --help" ;;
    "pin -"*) words="--json --help" ;;
    "test-action -"*) words="--json --payload --allow-net --allow-read --allow-write --allow-env --allow-run --allow-unix --secret --timeout --memory --help" ;;
    "doctor -"*) words="--json --state --config --socket --drop-in --help" ;;
    "mcp -"*) words="--json --socket --config --actions --hold --name --help" ;;
    "completion -"*) words="--json --help" ;;
    "completion "*) words="bash zsh fish" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _openexec openexec
