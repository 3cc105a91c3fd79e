// A participant on the browser's SDK that does what peers.py calls. `report` leads back there.

const { ExternalE2EEKeyProvider, Room, RoomEvent } = window.LivekitClient;
const tracks = new Map();
let room;
let keys;

const encode = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const decode = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

window.join = async (url, token, key, topics) => {
  const options = {};
  if (key !== null) {
    keys = new ExternalE2EEKeyProvider();
    options.encryption = { keyProvider: keys, worker: new Worker('../livekit/livekit-client.e2ee.worker.js') };
  }
  room = new Room(options);
  room.on(RoomEvent.DataReceived, (data, participant, kind, topic) => {
    report({ event: 'data', from: participant?.identity, topic, reliable: kind === 0, data: encode(data) });
  });
  room.on(RoomEvent.EncryptionError, (error) => report({ event: 'encryption_error', error: String(error) }));
  room.on(RoomEvent.DataTrackPublished, (track) => readTrack(track));
  for (const topic of topics) {
    room.registerByteStreamHandler(topic, async (reader, { identity }) => {
      const chunks = await reader.readAll();
      report({ event: 'stream', from: identity, topic, data: chunks.map(encode).join('') });
    });
  }
  if (key !== null) {
    await keys.setKey(key);
    await room.setE2EEEnabled(true);
  }
  await room.connect(url, token);
};

async function readTrack(track) {
  const name = track.info.name;
  const reader = track.subscribe({ bufferSize: 1000 }).getReader();
  report({ event: 'subscribed', track: name });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    report({ event: 'frame', track: name, data: encode(value.payload) });
  }
}

window.send = (digits, reliable, topic) => room.localParticipant.publishData(decode(digits), { reliable, topic });

window.stream = async (digits, topic) => {
  const writer = await room.localParticipant.streamBytes({ topic });
  await writer.write(decode(digits));
  await writer.close();
};

window.publish = async (name) => {
  tracks.set(name, await room.localParticipant.publishDataTrack({ name }));
};

window.push = (name, digits) => tracks.get(name).tryPush({ payload: decode(digits) });

window.setKey = (key) => keys.setKey(key);

window.ratchet = () => keys.ratchetKey();

window.publishMedia = () => room.localParticipant.enableCameraAndMicrophone();

window.leave = () => room?.disconnect();

// The reports of the connection that it sends on.
window.stats = async () => [...(await room.engine.pcManager.publisher.getStats()).values()];
