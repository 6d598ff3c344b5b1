// Drives socket.io-client for the tests. One JSON object a line:
//   in:  {op:"connect", id, url, version:"4.8"|"4.0"|"3.1", transports?, nsp?, auth?, query?, resume?, reconnection?}
//        {op:"emit", id, event, args, ack?}     an argument {"$bin":"base64"} is bytes
//        {op:"close", id}  {op:"cut", id}       cut: the transport ends, the client comes back by itself
//   out: {id, what:"connect"|"connect_error"|"disconnect"|"event"|"ack"|"upgrade"|"error", at, …}
// `resume: {event, payload}`: in every `connect` it is emitted with `since` = the highest `seq` seen in any event.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const packages = { '4.8': 'sio48', '4.0': 'sio40', '3.1': 'sio31' };
const sockets = new Map();
const out = (o) => process.stdout.write(JSON.stringify({ ...o, at: Date.now() }) + '\n');
const pack = (v) =>
  Buffer.isBuffer(v) || v instanceof Uint8Array || v instanceof ArrayBuffer
    ? { $bin: Buffer.from(v).toString('base64') }
    : Array.isArray(v) ? v.map(pack)
    : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, pack(x)])) : v;
const unpack = (v) =>
  v && typeof v === 'object'
    ? typeof v.$bin === 'string' ? Buffer.from(v.$bin, 'base64')
      : Array.isArray(v) ? v.map(unpack) : Object.fromEntries(Object.entries(v).map(([k, x]) => [k, unpack(x)]))
    : v;

function connect(c) {
  const { io } = require(packages[c.version ?? '4.8']);
  const socket = io(c.url + (c.nsp ?? '/'), {
    forceNew: true,
    transports: c.transports,
    auth: c.auth ?? {},
    query: c.query,
    reconnection: c.reconnection ?? true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 250,
    timeout: 5000,
    extraHeaders: c.headers,
  });
  let since = 0;
  sockets.set(c.id, socket);
  const id = c.id;
  const transport = () => socket.io.engine?.transport?.name;
  socket.on('connect', () => {
    out({ id, what: 'connect', sid: socket.id, transport: transport(), recovered: socket.recovered });
    if (c.resume) {
      const payload = { ...c.resume.payload, since };
      socket.emit(c.resume.event, payload, (...args) => out({ id, what: 'ack', event: c.resume.event, args: pack(args) }));
    }
  });
  socket.io.on('open', () => socket.io.engine.once('upgrade', (t) => out({ id, what: 'upgrade', transport: t.name })));
  socket.on('connect_error', (e) => out({ id, what: 'connect_error', message: e.message, data: e.data }));
  socket.on('disconnect', (reason) => out({ id, what: 'disconnect', reason }));
  socket.onAny((event, ...args) => {
    for (const a of args) if (a && Number.isInteger(a.seq) && a.seq > since) since = a.seq;
    out({ id, what: 'event', event, args: pack(args) });
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (!line.trim()) return;
  const c = JSON.parse(line);
  try {
    const socket = sockets.get(c.id);
    if (c.op === 'connect') connect(c);
    else if (c.op === 'emit') {
      const args = unpack(c.args ?? []);
      if (c.ack) args.push((...a) => out({ id: c.id, what: 'ack', event: c.event, args: pack(a) }));
      socket.emit(c.event, ...args);
    } else if (c.op === 'close') socket.disconnect();
    else if (c.op === 'cut') socket.io.engine.close();
    else out({ id: c.id, what: 'error', message: `unknown op ${c.op}` });
  } catch (e) {
    out({ id: c.id, what: 'error', message: String(e) });
  }
}).on('close', () => process.exit(0));
out({ id: '', what: 'ready' });
