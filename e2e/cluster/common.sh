# What the drivers share: state, binaries and disks. Sourced, never run. A driver defines in_node K COMMAND...

home=${CLUSTER_HOME:-/var/tmp/dynamicfs-cluster/default}
port=${CLUSTER_PORT:-16443}
version=$(sed -n 's/^\s*k8s.io\/kubernetes \(v\S*\)$/\1/p' "$here/go/go.mod")
bin=${CLUSTER_BIN:-/var/tmp/dynamicfs-cluster/bin-$version}
run=$home/run
nodes=$(cat "$run/nodes" 2> /dev/null || echo "${CLUSTER_NODES:-1}")
export KUBECONFIG=$run/admin.kubeconfig

helm_module=helm.sh/helm/v3/cmd/helm@v3.22.0
sanity_module=github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity@v5.6.0

die() {
  echo "cluster: $*" >&2
  exit 1
}

install_missing() { # Debian packages
  local missing=() p
  for p in "$@"; do
    dpkg-query -W -f='${Status}' "$p" 2> /dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get > /dev/null || die "expected ${missing[*]} to be installed, found no apt-get to install them with"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null 2>&1 && return
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
}

# Nothing half-built ever has its final name, and only one build runs at a time.
lock_build() {
  mkdir -p "$bin/images"
  exec 8> "$bin/.lock"
  flock 8
}

install_go_tool() { # name, module@version
  [ -x "$bin/$1" ] && return
  echo "building $1"
  local d
  d=$(mktemp -d "$bin/.go-XXXXXX")
  GOBIN=$d CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$2"
  mv "$d/$1" "$bin/$1"
  rmdir "$d"
}

install_test_tools() {
  install_go_tool helm $helm_module
  install_go_tool csi-sanity $sanity_module
}

# `down` when the process that asked for the cluster is gone, so that nothing stays when it was killed.
watch_owner() {
  [ -n "${CLUSTER_OWNER:-}" ] || return 0
  setsid bash -c 'tail --pid="$1" -f /dev/null; exec "$2" down' watch "$CLUSTER_OWNER" "$0" \
    > /dev/null 2>&1 < /dev/null 8>&- &
  echo $! > "$run/watch.pid"
}

forget_owner() {
  local p
  p=$(cat "$run/watch.pid" 2> /dev/null) || return 0
  # The watcher has become the `down` that runs now.
  [ "$p" = $$ ] || ! grep -qs watch "/proc/$p/cmdline" || kill -KILL -- "-$p" 2> /dev/null || true
}

# ---- disks ----
# A disk is a file on a small ext4 of its own behind two loop devices, so that shutting the ext4 down makes every access a
# real EIO.

EXT4_IOC_SHUTDOWN=0x8004587d
EXT4_GOING_FLAGS_LOGFLUSH=1

mount_disk() { # directory of the disk
  mkdir -p "$1/fs"
  losetup --find --show "$1/fs.img" > "$1/fs.loop"
  mount -o noatime "$(cat "$1/fs.loop")" "$1/fs"
  [ -e "$1/fs/disk" ] || truncate -s "$(cat "$1/size")" "$1/fs/disk"
  losetup --find --show --direct-io=on "$1/fs/disk" > "$1/loop"
}

forget_disk() { # directory of the disk
  losetup -d "$(cat "$1/loop" 2> /dev/null)" 2> /dev/null || true
  umount "$1/fs" 2> /dev/null || umount -l "$1/fs" 2> /dev/null || true
  losetup -d "$(cat "$1/fs.loop" 2> /dev/null)" 2> /dev/null || true
  rm -f "$1/loop" "$1/fs.loop"
}

forget_all_disks() {
  local d
  for d in "$run"/disks/*/; do
    [ ! -d "$d" ] || forget_disk "${d%/}"
  done
}

show_disk() { # node, /dev/loopN, identity
  # shellcheck disable=SC2016
  in_node "$1" sh -c 'mkdir -p /dev/disk/by-id
    [ -e "$1" ] || mknod -m 600 "$1" b 7 "${1#/dev/loop}"
    ln -sfn "../../${1#/dev/}" "/dev/disk/by-id/virtual-$2"' show "$2" "$3"
}

hide_disk() { in_node "$1" rm -f "$2" "/dev/disk/by-id/virtual-$3"; }

show_disks_of() { # node
  local f
  for f in "$run/disks/$1-"*/loop; do
    [ ! -e "$f" ] || show_disk "$1" "$(cat "$f")" "$(cat "$(dirname "$f")/identity")"
  done
}

disk() { # add|fail|vanish|return|remove, node, name, size
  [ $# -ge 3 ] || die "expected: disk add K NAME SIZE, or disk fail|vanish|return|remove K NAME"
  local what=$1 k=$2 d=$run/disks/$2-$3 identity bytes
  identity=$(node_name "$k")-$3
  [ "$what" = add ] || [ -d "$d" ] || die "$identity does not exist: add it with: disk add $k $3 SIZE"
  case $what in
    add)
      [ $# -eq 4 ] || die "expected a size: disk add $k $3 2G"
      [ ! -e "$d" ] || die "$identity exists"
      mkdir -p "$d"
      echo "$identity" > "$d/identity"
      bytes=$(numfmt --from=iec "$4")
      echo "$bytes" > "$d/size"
      truncate -s $((bytes + bytes / 32 + 67108864)) "$d/fs.img"
      mkfs.ext4 -q -F -m 0 -O ^has_journal "$d/fs.img"
      mount_disk "$d"
      show_disk "$k" "$(cat "$d/loop")" "$identity"
      echo "/dev/disk/by-id/virtual-$identity"
      ;;
    fail | vanish)
      python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), int(sys.argv[2], 0), struct.pack("I", int(sys.argv[3])))' \
        "$d/fs" $EXT4_IOC_SHUTDOWN $EXT4_GOING_FLAGS_LOGFLUSH
      [ "$what" = fail ] || hide_disk "$k" "$(cat "$d/loop")" "$identity"
      ;;
    return)
      losetup -d "$(cat "$d/loop")"
      for _ in $(seq 50); do
        umount "$d/fs" 2> /dev/null && break
        sleep 0.2
      done
      if mountpoint -q "$d/fs"; then die "$identity is still open somewhere: its reader must let go first"; fi
      losetup -d "$(cat "$d/fs.loop")"
      hide_disk "$k" "$(cat "$d/loop")" "$identity"
      mount_disk "$d"
      show_disk "$k" "$(cat "$d/loop")" "$identity"
      ;;
    remove)
      hide_disk "$k" "$(cat "$d/loop")" "$identity"
      forget_disk "$d"
      rm -r "$d"
      ;;
    *) die "disk $what: expected add, fail, vanish, return or remove" ;;
  esac
}
