// Drives socket.io-client for the tests. One JSON object a line:
//   in:  {op:"connect", id, url, version:"4.8"|"4.0"|"3.1", transports?, nsp?, auth?, query?, resume?, reconnection?}
//        {op:"emit", id, event, args, ack?}     an argument {"$bin":"base64"} is bytes
//        {op:"close", id}  {op:"cut", id}       cut: the transport ends, the client comes back by itself
//        {op:"resume", id, event, payload}      emitted now, and again in every later `connect`
//   out: {id, what:"connect"|"connect_error"|"disconnect"|"emit"|"event"|"ack"|"upgrade"|"error", at, …}
// A resumed event carries `since` = the highest `seq` seen in an event with the payload's `runId` (0 at first).
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
  const id = c.id;
  const last = new Map();
  const resumes = c.resume ? [c.resume] : [];
  socket.send_out = (event, args, ack) => {
    out({ id, what: 'emit', event, args: pack(args) });
    socket.emit(event, ...args, ...(ack ? [(...a) => out({ id, what: 'ack', event, args: pack(a) })] : []));
  };
  const rejoin = (r) => socket.send_out(r.event, [{ ...r.payload, since: last.get(r.payload.runId) ?? 0 }], true);
  // not socket.connected: a client that is cut while it upgrades says "connect" once more for what is gone
  let live = false;
  socket.resume = (r) => {
    resumes.push(r);
    if (live) rejoin(r);
  };
  sockets.set(id, socket);
  const transport = () => socket.io.engine?.transport?.name;
  socket.on('connect', () => {
    out({ id, what: 'connect', sid: socket.id, transport: transport(), recovered: socket.recovered });
    live = socket.io.engine.readyState === 'open';
    if (live) resumes.forEach(rejoin);
  });
  socket.io.on('open', () => socket.io.engine.once('upgrade', (t) => out({ id, what: 'upgrade', transport: t.name })));
  socket.on('connect_error', (e) => out({ id, what: 'connect_error', message: e.message, data: e.data }));
  socket.on('disconnect', (reason) => {
    live = false;
    out({ id, what: 'disconnect', reason });
  });
  socket.onAny((event, ...args) => {
    for (const a of args) if (a && a.seq > (last.get(a.instanceID) ?? 0)) last.set(a.instanceID, a.seq);
    out({ id, what: 'event', event, args: pack(args) });
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (!line.trim()) return;
  const c = JSON.parse(line);
  try {
    const socket = sockets.get(c.id);
    if (c.op === 'connect') connect(c);
    else if (c.op === 'emit') socket.send_out(c.event, unpack(c.args ?? []), c.ack);
    else if (c.op === 'resume') socket.resume(c);
    else if (c.op === 'close') socket.disconnect();
    else if (c.op === 'cut') socket.io.engine.close();
    else out({ id: c.id, what: 'error', message: `unknown op ${c.op}` });
  } catch (e) {
    out({ id: c.id, what: 'error', message: String(e) });
  }
}).on('close', () => process.exit(0));
out({ id: '', what: 'ready' });
