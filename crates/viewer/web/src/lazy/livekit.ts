/** The part of the LiveKit client that the page uses, as a chunk of its own. */
export {
  type ByteStreamReader,
  ConnectionQuality,
  LogLevel,
  Room,
  RoomEvent,
  setLogLevel,
} from "livekit-client";
