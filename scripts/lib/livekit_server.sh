# shellcheck shell=bash
# shellcheck disable=SC2154 # lib and deps are set by scripts/setup
# livekit-server, built from its Go module at the version of livekit-server/go.mod.
# Part of scripts/setup.

# build_livekit_server DEPS
build_livekit_server() {
  # Built under another name: a half-written file would be taken for a server.
  (cd "$lib/livekit-server" &&
    go build -trimpath -ldflags '-s -w' -o "$1/bin/livekit-server.new" github.com/livekit/livekit-server/cmd/server)
  mv "$1/bin/livekit-server.new" "$1/bin/livekit-server"
}
