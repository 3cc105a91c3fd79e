// What a client of @foxglove/ws-protocol tells of what a server says, messages apart.

export const SERVER_SAYS = [
  "serverInfo",
  "status",
  "removeStatus",
  "time",
  "advertise",
  "unadvertise",
  "advertiseServices",
  "unadvertiseServices",
  "parameterValues",
  "serviceCallResponse",
  "connectionGraphUpdate",
  "fetchAssetResponse",
  "serviceCallFailure",
];
