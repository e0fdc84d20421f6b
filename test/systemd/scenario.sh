# What happens on the booted machine: every line of output is NAME=VALUE, checked by booted.test.ts. First, the commands of
# docs/deployment.md are typed, one block after another.
export HOME=/root

show() { systemctl show --value --property="$1" openexec.service; }
ask() { # NAME ACTION PAYLOAD
  openexec request "$2" "$3" | openexec approve --key release-manager.key --yes - >"/tmp/$1.json" 2>/dev/null
  echo "$1=$(openexec exec --json - <"/tmp/$1.json" | tr -d '\n')"
}
as() { # NAME GROUPS: asks as a user that is nobody here
  setpriv --reuid=65534 --regid=65534 $2 env HOME=/tmp openexec actions >/dev/null 2>"/results/$1"
  echo "$1=$?"
}

cd /root/openexec
for typed in /units/typed/*.sh; do
  block=/results/$(basename "$typed" .sh)
  status=0
  bash -e -o pipefail "$typed" >"$block.out" 2>&1 || status=$?
  echo $status >"$block.code"
done

# More than the document has: a secret, a program, and a quick watchdog.
install -d -m 0700 /etc/credstore
printf sesame >/etc/credstore/word
install -d -o openexec /srv/reports
install -d /opt/tools
install /usr/bin/id /opt/tools/id
install -m 0644 /units/*.ts /etc/openexec/actions/
cat /units/more.toml >>/etc/openexec/openexec.toml
cp /units/test.conf /etc/systemd/system/openexec.service.d/
openexec doctor --drop-in >/etc/systemd/system/openexec.service.d/actions.conf
systemctl daemon-reload
systemctl restart openexec.service

stat --format='%n=%a %U %G' /run/openexec/*.sock
echo "active=$(show ActiveState)"
echo "status=$(show StatusText)"
grep -E '^(NoNewPrivs|Seccomp|Seccomp_filters|CapBnd|CapEff):' "/proc/$(show MainPID)/status" | tr -d ':' | tr '\t' '='
network() { readlink "/proc/$1/ns/net"; }
[ "$(network "$(show MainPID)")" = "$(network self)" ] && echo network=shared || echo network=private
echo "state=$(openexec status --json | tr -d '\n')"
for executor in $(cat "/proc/$(show MainPID)/task"/*/children); do
  echo "executor=$(sed -n 's/^Seccomp_filters:.//p' "/proc/$executor/status")"
done
ask greeted greet '{"name":"systemd"}'
ask worked work '{}'
as member "--groups=$(getent group openexec-agents | cut -d: -f3)"
as stranger --clear-groups

systemctl reload openexec.service
echo "reload=$?"
systemctl restart openexec.service
echo "restart=$?"
echo "again=$(openexec exec --json - </tmp/greeted.json | tr -d '\n')"

# A daemon that hangs is ended by its watchdog and started again.
restarts=$(show NRestarts)
kill -STOP "$(show MainPID)"
until [ "$(show NRestarts)" -gt "$restarts" ] && [ "$(show ActiveState)" = active ]; do sleep 0.1; done
ask revived greet '{"name":"again"}'
systemctl stop openexec.service 2>/dev/null
echo "result=$(show Result) $(show ExecMainStatus)"
