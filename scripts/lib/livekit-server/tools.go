//go:build tools

// Package tools pins the LiveKit server that scripts/setup builds when the PATH has none.
package tools

import _ "github.com/livekit/livekit-server/cmd/server"
