#!/bin/bash
# Boots the system's own systemd as the first process of a machine that is nothing but namespaces: its root is in memory,
# with an overlay over /usr, so that nothing it does reaches the host. /etc is that of a Debian 12 with next to nothing in it.
# boot.sh INPUT runs its INPUT/units in it, default.target first, with INPUT/checkout in /root and INPUT/results to write to.
set -eu
input=$1

if [ "${2-}" != inside ]; then
  # A control group of its own, so that it rules over nobody else's processes.
  hierarchy=/sys/fs/cgroup
  [ -e $hierarchy/cgroup.controllers ] || hierarchy=$hierarchy/systemd
  group=$hierarchy/openexec-test-$$
  mkdir "$group"
  echo $$ >"$group/cgroup.procs"
  status=0
  # Whatever hangs in there ends with it.
  timeout --signal=KILL 550 unshare --mount --pid --fork --uts --ipc --net --cgroup \
    --kill-child "$0" "$input" inside || status=$?
  echo $$ >$hierarchy/cgroup.procs
  find "$group" -depth -type d -exec rmdir {} \;
  exit $status
fi

mount --make-rprivate /
root=$input/root
mkdir -p "$root"
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir -p usr etc proc sys dev run var/lib var/cache var/log tmp root old results upper/usr upper/work
chmod 1777 tmp
mount -t tmpfs tmpfs upper
mkdir upper/usr upper/work
mount -t overlay -o "lowerdir=/usr,upperdir=$root/upper/usr,workdir=$root/upper/work" overlay usr
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$folder"; done
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd systemd sys/fs/cgroup/systemd
fi
mount -t tmpfs -o mode=755 tmpfs dev
while read -r name major minor; do mknod -m 666 "dev/$name" c "$major" "$minor"; done <<'DEVICES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
DEVICES
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run

mkdir -p etc/systemd/system etc/tmpfiles.d srv opt home/agent
cat >etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
agent:x:1000:1000::/home/agent:/bin/sh
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
PASSWD
printf 'root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n' >etc/group
echo 00000000000000000000000000000001 >etc/machine-id
cp -r "$input/checkout" root/openexec
cp -r "$input/units" units
mount --bind "$input/results" results
pivot_root . old
umount -l /old
# As the host's own systemd would have it; credentials come to a service that way.
mount --make-rshared /
export container=openexec-test SYSTEMD_UNIT_PATH=/units:/etc/systemd/system
export SYSTEMD_PROC_CMDLINE='systemd.legacy_systemd_cgroup_controller=1'
exec /lib/systemd/systemd --system --log-target=null --show-status=0
